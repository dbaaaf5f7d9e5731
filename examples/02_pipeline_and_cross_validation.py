"""It is a scikit-learn estimator: in a pipeline, cross-validated. About half a minute."""

from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from autonas import AutoNASClassifier

X, y = load_wine(return_X_y=True)
clf = AutoNASClassifier(time_limit=8, optimizer="tpe", random_state=0)
pipeline = make_pipeline(StandardScaler(), PCA(8), clf)

scores = cross_val_score(pipeline, X, y, cv=3)
print("Accuracy by fold:", scores.round(3), "mean:", scores.mean().round(3))
