"""``search()``: the same engine for any function of a configuration and a fidelity. A few seconds.

Here: gradient boosting of scikit-learn, where the fidelity is the number of trees; any sampler with any schedule.
"""

from ConfigSpace import Categorical as Choice
from ConfigSpace import ConfigurationSpace, EqualsCondition, Float, Integer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score

from autonas import search

X, y = load_breast_cancer(return_X_y=True)

space = ConfigurationSpace(seed=0)
learning_rate = Float("learning_rate", (0.01, 1.0), log=True)
shape = Choice("shape", ["leaves", "depth"])
leaves = Integer("max_leaf_nodes", (2, 64), log=True)
depth = Integer("max_depth", (1, 8))
space.add(learning_rate, shape, leaves, depth)
space.add(EqualsCondition(leaves, shape, "leaves"), EqualsCondition(depth, shape, "depth"))


def objective(configuration, fidelity, *, seed):
    settings = {name: value for name, value in configuration.items() if name != "shape"}
    model = HistGradientBoostingClassifier(max_iter=fidelity, random_state=seed, **settings)
    return -cross_val_score(model, X, y, cv=3, scoring="neg_log_loss").mean()


history = search(
    objective,
    space,
    optimizer=("smac", "successive_halving"),
    min_fidelity=3,
    max_fidelity=27,
    n_trials=15,
    random_state=0,
)
print(history.to_dataframe().head(10).to_string())
best = history.best
print("\nBest:", dict(best.configuration), "log loss", round(best.loss, 4))
