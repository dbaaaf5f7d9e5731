"""Compare optimizers on one data set: the same space, seed and budget for each. A minute or two.

The budget is counted in epochs really trained, so that the comparison does not depend on the machine. One data set and
one seed say little: ``python -m autonas benchmark optimizers`` takes several of both.
"""

from sklearn.datasets import load_digits

from autonas import OPTIMIZERS, AutoNASClassifier

BUDGET = 150  # epochs, over all trials
X, y = load_digits(return_X_y=True)
X, y = X[:600], y[:600]
print("Known:", *OPTIMIZERS)


def is_spent(history, trial, result):
    """Stop the search, when it calls this after a result, once the budget is spent."""
    return history.total_fidelity >= BUDGET


for optimizer in ("random", "hyperband", "bohb", "tpe", "smac", "auto"):
    clf = AutoNASClassifier(
        optimizer=optimizer,
        n_trials=200,
        max_epochs=9,
        time_limit=None,
        validation="holdout",
        search_space=["resnet"],
        portfolio=None,  # or all would begin with the same good configurations
        callbacks=[is_spent],
        random_state=0,
    ).fit(X, y)
    history = clf.history_
    print(
        f"{optimizer:10s} best validation loss {-clf.best_score_:.4f} of {len(history.trials)} trials, "
        f"{history.total_fidelity} epochs"
    )
