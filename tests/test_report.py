"""The report, and the drawings in it."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from sklearn.datasets import load_diabetes, load_wine

from autonas import AutoNASClassifier, AutoNASRegressor, NetworkFamily, OneShot, load, load_space, search
from autonas import plots as drawings
from autonas._two_stage import edges_of
from autonas.report import write_report

plt = pytest.importorskip("matplotlib.pyplot")
QUICK = {
    "time_limit": None,
    "n_trials": 3,
    "min_epochs": 1,
    "max_epochs": 3,
    "validation": "holdout",
    "random_state": 0,
}
WINE = load_wine(return_X_y=True)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


class Page(HTMLParser):
    """Reads a page as a browser does: what is opened is closed, and what would be fetched is known."""

    empty = frozenset({"meta", "link", "br", "img"})

    def __init__(self, path):
        super().__init__()
        self.open, self.text, self.titles, self.fetched = [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.empty:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "srcset", "data", "action"}:
                self.fetched.append(value)
        assert tag not in {"script", "iframe", "object"}
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.empty:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["h2"]:
            self.titles.append(data)
        if "style" not in self.open:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wine") / "run"
    return AutoNASClassifier(**{**QUICK, "n_trials": 16, "portfolio": None}, run_dir=folder).fit(*WINE)


def test_the_report_tells_of_the_run(wine, tmp_path):
    page = Page(wine.report(tmp_path / "new" / "report.html"))
    assert page.titles == [
        "In words",
        "Leaderboard",
        "The search",
        "What mattered",
        "Validation predictions",
        "The network",
        "Failures",
        "Settings, seed and environment",
        "NAS best practices",
    ]
    assert "16 configurations" in page.words
    assert f"The best is trial {wine.leaderboard()['trial'].iloc[0]}" in page.words
    assert f"It has a validation log loss {-wine.best_score_:.5g}" in page.words
    n_random = sum(t.origin == "random" for t in wine.history_.trials)
    assert f"the run's own {n_random} random trials" in page.words
    assert "on the 36 validation rows" in page.words
    assert "No trial failed." in page.words
    assert "seed of the run 0" in page.words


def test_nothing_is_fetched(wine, tmp_path):
    path = wine.report(tmp_path / "report.html")
    assert all(value.startswith(("#", "data:")) for value in Page(path).fetched)
    text = path.read_text()
    assert "default-src 'none'" in text
    # Names of namespaces are no addresses.
    addresses = re.findall(r"https?://[^\s\"'<>]+", re.sub(r"xmlns(:\w+)?=\"[^\"]*\"", "", text))
    assert addresses == []
    assert not re.search(r"@import|url\((?!#)", text)


def test_colours_follow_the_page(wine, tmp_path):
    text = wine.report(tmp_path / "report.html").read_text()
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "width=device-width" in text
    drawn = " ".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))
    assert "currentColor" in drawn
    assert not re.search(r"#01020[34]|#020304", drawn)


def test_a_loaded_run_has_the_same_report(wine, tmp_path):
    one, other = wine.report(tmp_path / "a.html"), load(wine.run_dir_).report(tmp_path / "b.html")
    assert Page(one).titles == Page(other).titles
    tell = re.compile(r"In words.*?Leaderboard")
    assert tell.search(Page(one).words)[0] == tell.search(Page(other).words)[0]


def test_regression_with_cells_and_random_ones(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    one_shot = OneShot("darts", epochs=1, compare_to_random=True)
    reg = AutoNASRegressor(**{**QUICK, "n_trials": 2}, one_shot=one_shot).fit(X, y)
    page = Page(reg.report(tmp_path / "report.html"))
    assert "The cell" in page.titles
    assert str(reg.one_shot_.comparison) in page.words
    best = edges_of(reg.best_params_["mlp_cell:cell"])
    assert {operation for _, _, operation in best} - {"none"} <= {*page.words.split()}
    choice = [trial.configuration["mlp_cell:cell"] for trial in reg.history_.trials]
    assert choice == [reg.one_shot_.cells[0], reg.one_shot_.default_cell]
    found, by_hand = (trial.results[-1].loss for trial in reg.history_.trials)
    verdict = "better" if found < by_hand else "no better"
    worth = (
        f"with a cell that was found is {found:.5g}, with the default {by_hand:.5g}: stage one was {verdict} than it"
    )
    assert worth in page.words
    assert "Predicted against true numbers." in page.words


def test_the_cell_of_a_single_stage(tmp_path):
    clf = AutoNASClassifier(**{**QUICK, "n_trials": 1}, search_space="mlp_cell").fit(*WINE)
    page = Page(clf.report(tmp_path / "report.html"))
    assert "The cell" in page.titles
    operations = {str(v) for name, v in clf.best_params_.items() if "op_" in name} - {"none"}
    assert operations <= {*page.words.split()}
    assert "Weight sharing" not in page.words


def test_failures_are_grouped_by_cause(tmp_path):
    def broken(configuration, input_spec, output_spec):
        raise RuntimeError('no <layers> & no "sense"')

    families = ["linear", NetworkFamily("broken", load_space("linear"), broken)]
    clf = AutoNASClassifier(**{**QUICK, "n_trials": 6}, search_space=families, portfolio=None).fit(*WINE)
    page = Page(clf.report(tmp_path / "report.html"))
    assert 'RuntimeError: no <layers> & no "sense"' in page.words


def test_names_are_never_code(tmp_path):
    labels = np.array(["<script>alert(1)</script>", "<img src=x onerror=y>", "&amp;"])
    clf = AutoNASClassifier(**{**QUICK, "n_trials": 1}, portfolio=None).fit(WINE[0], labels[WINE[1]])
    page = Page(clf.report(tmp_path / "report.html"))  # asserts that there is no script
    assert "<script>aler" in page.words


@pytest.mark.parametrize("metric", ["roc_auc_ovr", "accuracy"])
def test_scores_are_told_as_scores(tmp_path, metric):
    clf = AutoNASClassifier(**{**QUICK, "n_trials": 1}, metric=metric).fit(*WINE)
    words = Page(clf.report(tmp_path / "report.html")).words
    assert f"validation {metric.replace('_', ' ')} {clf.best_score_:.5g}" in words


def test_without_matplotlib_the_mend_is_said(wine, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"autonas\[plots\]"):
        wine.report(tmp_path / "report.html")


def synthetic(n, space, seed=0):
    """A history as an estimator's, of so many trials."""
    rng = np.random.default_rng(seed)

    def objective(configuration, fidelity):
        end = 0.1 + abs(np.log10(configuration.get("learning_rate", 2.5e-3)) + 2.5) / 10 + 0.02 * rng.random()
        epochs = np.arange(1, fidelity + 1)
        curve = end + np.exp(-epochs / 8) + 0.01 * rng.random(fidelity)
        return {"loss": curve.min(), "curve": curve.tolist(), "curve_epochs": epochs.tolist(), "best_epoch": fidelity}

    return search(objective, space, optimizer="hyperband", max_fidelity=81, n_trials=n, random_state=0)


@pytest.fixture(scope="module")
def long_history(wine):
    return synthetic(500, wine.configuration_space_)


def test_500_trials_are_one_small_file(wine, long_history, tmp_path):
    losses = {t.number: min(t.losses.values()) for t in long_history.trials}
    fitted = replace(wine._fitted, history=long_history, losses=losses)
    fitted.ensemble = type(fitted.ensemble)([], fitted.ensemble.temperature)
    path = write_report(tmp_path / "report.html", fitted, {})
    assert path.stat().st_size < 5e6
    assert "475 more are not shown" in Page(path).words


# ---------------------------------------------------------------------------------------------- drawings


def test_importance_finds_what_matters(long_history):
    importance = drawings.hyperparameter_importance(long_history)
    assert next(iter(importance)) == "learning_rate"
    assert sum(importance.values()) == pytest.approx(1)
    assert drawings.hyperparameter_importance(long_history) == importance
    own = drawings.hyperparameter_importance(long_history, network="mlp")
    assert next(iter(own)) == "learning_rate"
    assert "mlp:dropout" in own


def test_importance_of_too_few_trials_is_none(wine):
    few = synthetic(5, wine.configuration_space_)
    assert drawings.hyperparameter_importance(few) == {}


def test_performance_never_gets_worse_and_ends_at_the_best(long_history):
    _, ax = plt.subplots()
    assert drawings.plot_performance(long_history, ax) is ax
    everything, random = ax.lines
    assert (np.diff(everything.get_ydata()) <= 0).all()
    assert everything.get_ydata()[-1] == min(r.loss for t in long_history.trials for r in t.results)
    assert random.get_ydata()[-1] >= everything.get_ydata()[-1]
    assert random.get_xdata()[-1] <= everything.get_xdata()[-1]


def test_a_learning_curve_for_each_trial(long_history):
    ax = drawings.plot_learning_curves(long_history)
    assert sum(len(c.get_segments()) for c in ax.collections) == len(long_history.trials)
    (best,) = ax.lines
    assert best.get_ydata().min() == min(r.loss for t in long_history.trials for r in t.results)


def test_parallel_coordinates_have_a_line_for_each_trial_that_has_them_all(long_history):
    ax = drawings.plot_parallel_coordinates(long_history, ["network", "learning_rate", "mlp:dropout"])
    (collection,) = ax.collections
    n = sum({"mlp:dropout", "learning_rate"} <= set(t.configuration) for t in long_history.trials)
    assert len(collection.get_segments()) == n
    with pytest.raises(ValueError, match="no hyperparameter"):
        drawings.plot_parallel_coordinates(long_history, ["learningrate"])


def test_bars_are_as_long_as_the_importances():
    ax = drawings.plot_importance({"a": 0.2, "b": 0.7, "c": 0.1}, most=2)
    assert [bar.get_width() for bar in ax.patches] == [0.7, 0.2]


def test_bars_are_coloured_by_role():
    roles = {"a": "training", "b": "architecture", "c": "training"}
    ax = drawings.plot_importance({"a": 0.2, "b": 0.7, "c": 0.1}, roles=roles)
    b, a, c = (bar.get_facecolor() for bar in ax.patches)
    assert a == c != b
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["architecture", "training"]


def test_the_front_is_drawn():
    space = ConfigurationSpace({"x": (0.0, 1.0)})

    def objective(configuration, fidelity):
        return {"loss": 1 - configuration["x"] ** 2, "size": 1 + 99 * configuration["x"], "other": 1.0}

    history = search(objective, space, optimizer="random", objectives=["size"], n_trials=8, random_state=0)
    ax = drawings.plot_pareto_front(history, "size")
    (front,) = ax.lines
    np.testing.assert_array_equal(np.sort(front.get_ydata()), history.pareto_front()["loss"])
    assert len(ax.collections[0].get_offsets()) == sum(len(t.results) for t in history.trials)
    with pytest.raises(ValueError, match="No trial has 'latency'"):
        drawings.plot_pareto_front(history, "latency")


def test_confusion_in_percent_of_the_true_class():
    ax = drawings.plot_confusion(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1]), ["cat", "dog"])
    assert [text.get_text() for text in ax.texts] == ["75", "25", "0", "100"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_honest_probabilities_lie_on_the_diagonal(n_classes):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(n_classes), 20_000)
    target = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    ax = drawings.plot_reliability(target, p)
    x, y = ax.lines[1].get_xdata(), ax.lines[1].get_ydata()
    np.testing.assert_allclose(x, y, atol=0.04)


def test_residuals():
    ax = drawings.plot_residuals(np.array([1.0, 2.0]), np.array([1.5, 2.5]))
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), [[1.0, 1.5], [2.0, 2.5]])
