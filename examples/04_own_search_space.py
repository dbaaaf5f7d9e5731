"""Narrow the space, or look at it. A few seconds.

A dictionary narrows: a tuple is a range, a list is a choice, anything else is a fixed value.
"""

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from autonas import AutoNASRegressor, load_space

print(load_space("resnet"))

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
reg = AutoNASRegressor(
    search_space={
        "network": ["mlp", "resnet"],
        "mlp:n_layers": (1, 3),
        "learning_rate": (1e-4, 1e-2),
        "optimizer": "adamw",
        "batch_size": [32, 64],
    },
    time_limit=15,
    random_state=0,
)
reg.fit(X_train, y_train)
print("\nR2 on test data:", round(reg.score(X_test, y_test), 3))
print("Best configuration:")
for name, value in reg.best_params_.items():
    print(f"  {name}: {value}")
