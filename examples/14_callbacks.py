"""Watch a search, end it early, and log it for TensorBoard. A few seconds.

A callback is any function of the history so far, the trial and its newest result, called after each result; a true
return value ends the search. TensorBoard's needs ``pip install 'autonas[loggers]'``.
"""

import tempfile

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier
from autonas.loggers import TensorBoardLogger


def watch(history, trial, result):
    if trial.failure is not None:
        print(f"trial {trial.number:2d} failed: {trial.failure.cause}")
    else:
        network = trial.configuration["network"]
        print(f"trial {trial.number:2d} ({network}): {result.loss:.4f} after {result.fidelity} epochs")


def good_enough(history, trial, result):
    return result.loss < 0.06


X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
with tempfile.TemporaryDirectory() as folder:
    logger = TensorBoardLogger(folder)  # then: tensorboard --logdir FOLDER
    clf = AutoNASClassifier(time_limit=30, random_state=0, callbacks=[watch, good_enough, logger])
    clf.fit(X_train, y_train)
    logger.close()
print(f"\n{len(clf.history_.trials)} trials; accuracy on test data: {clf.score(X_test, y_test):.3f}")
