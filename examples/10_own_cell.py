"""A supernet on a cell of one's own. About half a minute.

own_cell/ring_cell.py says what a cell is, which operations its edges have, and how a network is made of cells;
own_cell/ring_cell.yaml names the hyperparameters. All strategies of weight sharing, and all optimizers, work with it.
"""

from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier, OneShot

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images.astype("uint8"), digits.target, test_size=0.3, stratify=digits.target, random_state=0
)
family = Path(__file__).parent / "own_cell" / "ring_cell.yaml"

for strategy in ("random_sharing", "robust_darts"):
    clf = AutoNASClassifier(search_space=family, one_shot=OneShot(strategy, share=0.4), time_limit=10, random_state=0)
    clf.fit(X_train, y_train)
    print(f"{strategy}: {clf.one_shot_.cells[0]}")
    print(f"  test accuracy {clf.score(X_test, y_test):.3f} after {len(clf.history_.trials)} trials")
