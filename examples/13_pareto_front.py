"""Small, fast or good: a search for the whole front, and a model chosen from it. A minute.

The networks' parameters are to be few, beside a small loss. What comes back is a fitted estimator for each
trial that no other beats in both.
"""

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

clf = AutoNASClassifier(
    objectives=["n_parameters"],
    search_space=["mlp"],
    n_trials=40,
    max_epochs=18,
    time_limit=None,
    validation="holdout",
    random_state=0,
).fit(X_train, y_train)

front = clf.get_pareto_front()
table = pd.DataFrame(model.objectives_ for model in front)
table["network"] = [model.best_params_["network"] for model in front]
table["accuracy on test data"] = [model.score(X_test, y_test) for model in front]
print(table.round(4).to_string(index=False))

# The smallest that loses little.
good = [model for model in front if model.objectives_["loss"] < front[0].objectives_["loss"] + 0.05]
chosen = good[-1]
print(f"\nChosen: {chosen.objectives_['n_parameters']:,.0f} parameters, of {front[0].objectives_['n_parameters']:,.0f}")
print(f"Accuracy: {chosen.score(X_test, y_test):.3f}; the ensemble's is {clf.score(X_test, y_test):.3f}")
