"""A table, in two stages, and whether the first was worth its time. About forty seconds.

The task: is a breast tumour malignant, from 30 measurements of cell nuclei (569 patients, comes with scikit-learn). The
same time goes to a search of the same kind with cells drawn at random: what weight sharing gains, or does not, is told.
"""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier, OneShot

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)

clf = AutoNASClassifier(one_shot=OneShot("darts_pt", compare_to_random=True), time_limit=36, random_state=0)
clf.fit(X_train, y_train)

print("Stage one, epoch by epoch (the last ones):")
print(clf.one_shot_.to_dataframe().tail(3).round(3).to_string(index=False))
print(f"\nThe best cell: {clf.one_shot_.cells[0]}")
print(f"\n{clf.one_shot_.comparison}")
print(f"\nTest accuracy {clf.score(X_test, y_test):.3f}")
