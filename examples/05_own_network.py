"""Search over a network family of one's own, beside the library's. A quarter of a minute.

A family is one YAML file (its hyperparameters) and one function or class ``build(configuration, input_spec,
output_spec)`` that returns a torch module. The library is not touched.
"""

from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier

FAMILY = Path(__file__).parent / "own_network" / "maxout.yaml"

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
clf = AutoNASClassifier(search_space=["mlp", FAMILY], time_limit=20, validation="holdout", random_state=0)
clf.fit(X_train, y_train)
print(f"Test accuracy: {clf.score(X_test, y_test):.3f}")
print(clf.leaderboard().groupby("network")["loss"].agg(["count", "min"]))
