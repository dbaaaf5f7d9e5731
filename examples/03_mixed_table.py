"""A table as it comes: words, categories, numbers and missing values; regression and classification. Half a minute.

A survey of 6,366 married women (Fair 1978; comes with statsmodels). The codes of the questionnaire are turned back into
words, and answers are taken out at random, as in a real export.
"""

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from statsmodels.datasets import fair

from autonas import AutoNASClassifier

OCCUPATIONS = [
    "student",
    "farming or unskilled",
    "white-collar",
    "teacher or nurse",
    "manager",
    "professional",
]

data = fair.load_pandas().data
for column in ("occupation", "occupation_husb"):
    data[column] = data[column].astype(int).map(dict(enumerate(OCCUPATIONS, start=1))).astype("category")
data["religious"] = data["religious"].map({1: "not", 2: "mildly", 3: "fairly", 4: "strongly"})
y = np.where(data.pop("affairs") > 0, "affair", "no affair")
rng = np.random.default_rng(0)
X = data.mask(rng.random(data.shape) < 0.05)
print(X.head().to_string())

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
clf = AutoNASClassifier(time_limit=20, metric="roc_auc", random_state=0).fit(X_train, y_train)
print("\nClasses:", clf.classes_)
print(
    "ROC AUC on test data:",
    round(roc_auc_score(y_test == clf.classes_[1], clf.predict_proba(X_test)[:, 1]), 3),
)
