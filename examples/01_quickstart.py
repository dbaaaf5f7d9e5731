"""Find and train networks for a table: the shortest way. About half a minute.

The task: is a breast tumour malignant, from 30 measurements of cell nuclei (569 patients, comes with scikit-learn).
"""

from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)

clf = AutoNASClassifier(time_limit=25, random_state=0, verbose=1)
clf.fit(X_train, y_train)

print(f"\nTest accuracy {clf.score(X_test, y_test):.3f}, log loss {log_loss(y_test, clf.predict_proba(X_test)):.3f}")
print(f"\nThe best of {len(clf.history_.trials)} configurations tried:")
columns = ["trial", "network", "loss", "epochs", "ensemble_weight", "origin", "n_parameters"]
print(clf.leaderboard()[columns].head(8).to_string())
print("\nThe ensemble that predicts:")
print("\n".join(line for line in clf.show_models().splitlines() if line[:1].strip()))  # without the details
