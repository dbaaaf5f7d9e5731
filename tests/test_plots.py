"""The drawing of a cell."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.plots import plot_cell

plt = pytest.importorskip("matplotlib.pyplot")
to_rgb = pytest.importorskip("matplotlib.colors").to_rgb
CELL = [
    ("in", "1", "conv_3x3"),
    ("in", "2", "skip"),
    ("1", "2", "conv_1x1"),
    ("in", "3", "pool"),
    ("2", "3", "conv_3x3"),
]


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def places(ax):
    return {text.get_text(): text.get_position() for text in ax.texts}


def colours(ax):
    return {tuple(arrow.get_edgecolor()) for arrow in ax.patches}


def test_nodes_and_operations_are_named():
    assert sorted(texts(plot_cell(CELL))) == sorted(["in", "1", "2", "3", *(operation for *_, operation in CELL)])


def test_an_arrow_for_each_edge_and_a_colour_for_each_operation():
    ax = plot_cell(CELL)
    assert len(ax.patches) == len(CELL)
    assert len(colours(ax)) == len({operation for *_, operation in CELL})


def test_edges_without_operation_have_no_label():
    ax = plot_cell([*CELL, ("1", "out", ""), ("2", "out", "")])
    assert len(ax.patches) == len(CELL) + 2
    assert len(ax.texts) == len(CELL) + 5
    assert "" not in texts(ax)


@settings(max_examples=20)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=14), seed=st.integers(0, 99)
)
def test_every_edge_leads_to_the_right_and_no_label_hides_another(pairs, seed):
    """Whatever the order of the edges, and however many there are between two nodes."""
    names = np.random.default_rng(seed).permutation(list("abcdef"))
    edges = [(names[min(p)], names[max(p)], f"op{k}") for k, p in enumerate(pairs) if p[0] != p[1]]
    if not edges:
        return
    ax = plot_cell([(str(a), str(b), op) for a, b, op in edges])
    at = places(ax)
    assert all(at[a][0] < at[b][0] for a, b, _ in edges)
    assert all(at[op][0] == pytest.approx((at[a][0] + at[b][0]) / 2) for a, b, op in edges)
    assert len(set(at.values())) == len(at)
    plt.close(ax.figure)


@pytest.mark.parametrize("edges", [CELL, [*CELL, *CELL]], ids=["single", "double"])
def test_labels_stand_on_arrows_of_their_colour(edges):
    """In the picture without the labels, what is where each one was has its colour, or is paper."""
    ax = plot_cell(edges)
    labels = [t for t in ax.texts if any(t.get_text() == operation for *_, operation in edges)]
    assert len(labels) == len(edges)
    for label in labels:
        label.set_visible(False)
    ax.figure.canvas.draw()
    picture = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3] / 255
    for label in labels:
        x, y = ax.transData.transform(label.get_position()).round().astype(int)
        around = picture[::-1][y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3)
        ink = around[around.min(1) < 0.5]
        assert len(ink)
        assert np.abs(ink[ink.sum(1).argmin()] - to_rgb(label.get_color())).max() < 0.1


def test_draws_into_axes_that_are_given():
    figure, axes = plt.subplots(1, 2)
    assert plot_cell(CELL, axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].texts


def test_can_be_saved(tmp_path):
    plot_cell(CELL).figure.savefig(tmp_path / "cell.png")
    picture = plt.imread(tmp_path / "cell.png")
    assert (picture[..., :3] < 0.5).any()


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([], "one at least"),
        ("ab", "one at least"),
        (["abc"], "one at least"),
        ([("a", "b")], r"\('a', 'b'\).*three names"),
        ([("a", "b", 3)], "three names"),
        ([("a", "b", "x"), ("b", "c", "x"), ("c", "b", "x")], r"circle among the nodes \['b', 'c'\]"),
        ([("a", "a", "x")], "circle"),
    ],
)
def test_wrong_edges(edges, message):
    with pytest.raises(ValueError, match=message):
        plot_cell(edges)
    assert not plt.get_fignums()


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plot_cell(CELL)
