"""Images, in two stages: weight sharing finds the cell, then it is trained and the rest is tuned. About half a minute.

The task: which digit is it, from 8x8 pixels (1,797 images, comes with scikit-learn). The space is that of
NAS-Bench-201: 15,625 cells. So short a fit trains the best cell and the one made by hand for as long as there is time;
a longer one goes on with BOHB. The found cell is drawn into found_cell.png.
"""

import matplotlib as mpl
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier, OneShot
from autonas.plots import plot_cell

mpl.use("Agg")  # draws into files, without a window

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images.astype("uint8"), digits.target, test_size=0.3, stratify=digits.target, random_state=0
)

clf = AutoNASClassifier(one_shot=OneShot("gdas", share=0.3), time_limit=25, random_state=0, verbose=1)
clf.fit(X_train, y_train)

found = clf.one_shot_
print(f"\nStage one ({found.strategy}) took {found.seconds:.0f} s. It found these cells:")
for cell in found.cells:
    print(f"  {cell}")
print("\nStage two began with the best of them (trial 0), then the cell made by hand (trial 1):")
print(clf.leaderboard()[["trial", "loss", "epochs", "ensemble_weight"]].to_string())
print(f"\nTest accuracy {clf.score(X_test, y_test):.3f}")

axes = plot_cell(found.edges())
axes.set_title("The found cell")
axes.figure.savefig("found_cell.png", dpi=120)
