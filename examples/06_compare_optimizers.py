"""Compare the optimizers on one data set: the same space, budget and seeds for each. Under a minute.

The budget is counted in epochs really trained, so that the comparison does not depend on the machine. For comparisons
that hold, take several data sets and seeds: ``python -m autonas benchmark optimizers``.
"""

from sklearn.datasets import load_wine

from autonas import OPTIMIZERS, AutoNASClassifier

X, y = load_wine(return_X_y=True)
for optimizer in OPTIMIZERS:
    clf = AutoNASClassifier(
        optimizer=optimizer,
        n_trials=12,
        max_epochs=18,
        time_limit=None,
        validation="holdout",
        search_space=["mlp"],
        random_state=0,
    ).fit(X, y)
    spent = clf.history_.total_fidelity
    print(f"{optimizer:10s}  best validation loss {-clf.best_score_:.4f}  after {spent:4d} epochs in all")
