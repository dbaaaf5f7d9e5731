"""Draw the figures of the explanations, by the library's own samplers and schedules: ``python docs/make_figures.py``.

Two minutes on one core. The curves of a sampler are medians over seeds on one toy problem: they show how it behaves,
not how good it is; for that see ``docs/benchmarks.md``, from whose tables the last figures are drawn.
"""

from __future__ import annotations

import argparse
import functools
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image

from autonas import SAMPLERS, SCHEDULES, search
from autonas.benchmarks.simulator import VirtualWorkers
from autonas.networks.mlp_cell import SPACE
from autonas.optimization import RunHistory
from autonas.optimization._loop import Limits, Loop
from autonas.optimization.optimizers import resolve
from autonas.optimization.proposals import Proposals
from autonas.optimization.runners import Task
from autonas.plots import plot_cell

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
N_TRIALS, SEEDS = 48, range(5)
RUNGS = {"min_fidelity": 1, "max_fidelity": 27, "eta": 3}
#: After Okabe and Ito 2008, "Color Universal Design"; told apart on white and, turned round by the site, on black.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00")


# ------------------------------------------------------------------------------------------- a toy with a condition


def toy_space() -> ConfigurationSpace:
    """Make two numbers of which one is there only for one of two kinds."""
    space = ConfigurationSpace(seed=0)
    kind, x, y = Categorical("kind", ["plain", "deep"]), Float("x", (0.0, 1.0)), Float("y", (0.0, 1.0))
    space.add(kind, x, y)
    space.add(EqualsCondition(y, kind, "deep"))
    return space


def toy_loss(x: Any, y: Any = None) -> Any:
    """Give the loss: a shallow bowl for the plain kind, a deeper and crooked valley for the other."""
    if y is None:
        return 0.3 + 1.2 * (x - 0.25) ** 2
    return 2.5 * (y - 0.2 - 0.9 * (x - 0.35) ** 2) ** 2 + 0.9 * (x - 0.75) ** 2 + 0.03 * (1 - np.cos(9 * (x - 0.75)))


def toy(configuration: dict[str, Any], fidelity: int) -> float:  # noqa: ARG001 - a training has one
    """Evaluate a configuration."""
    return float(toy_loss(configuration["x"], configuration.get("y")))


@dataclass(frozen=True)
class Run:
    """A search of the toy: what was proposed, by whom, and the best loss so far after each trial."""

    configurations: list[dict[str, Any]]
    origins: list[str]
    best: npt.NDArray[np.float64]


def run_sampler(name: str, seed: int, n_trials: int = N_TRIALS) -> Run:
    """Search the toy, every trial to the end at once."""
    history = search(toy, toy_space(), optimizer=(name, "full"), max_fidelity=1, n_trials=n_trials, random_state=seed)
    losses = [trial.loss for trial in history.trials]
    return Run(
        [dict(trial.configuration) for trial in history.trials],
        [trial.origin for trial in history.trials],
        np.minimum.accumulate(losses),
    )


def draw_sampler(name: str, by_chance: npt.NDArray[np.float64]) -> plt.Figure:
    """Draw where a sampler looks, and what it finds.

    Parameters
    ----------
    name : str
        Of ``autonas.SAMPLERS``.
    by_chance : ndarray of shape (n_seeds, n_trials)
        The best losses so far of random search.
    """
    runs = [run_sampler(name, seed, by_chance.shape[1]) for seed in range(len(by_chance))]
    figure = plt.figure(figsize=(8.2, 3.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(6, 1), width_ratios=(1.35, 1))
    deep, plain = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0])
    curve = figure.add_subplot(grid[:, 1])
    x = np.linspace(0, 1, 101)
    deep.contourf(x, x, toy_loss(x[None], x[:, None]), levels=14, cmap="Greys", alpha=0.35)
    plain.imshow(toy_loss(x)[None], extent=(0, 1, 0, 1), aspect="auto", cmap="Greys", alpha=0.35, vmin=0, vmax=1.5)
    _scatter(deep, plain, runs[0])
    _legend(figure)
    deep.set(title=f"kind = deep: the {len(runs[0].best)} proposals of one run", ylabel="y", xlim=(0, 1), ylim=(0, 1))
    deep.set_xticklabels([])
    plain.set(xlabel="x", xlim=(0, 1), ylim=(0, 1), yticks=[], ylabel="plain")
    trials = np.arange(1, by_chance.shape[1] + 1)
    if name != "random":
        curve.plot(trials, np.median(by_chance, axis=0), color="#808080", linestyle="--", label="random")
    best = np.array([run.best for run in runs])
    curve.plot(trials, np.median(best, axis=0), color=COLOURS[0], label=name)
    curve.fill_between(trials, *np.quantile(best, (0.25, 0.75), axis=0), color=COLOURS[0], alpha=0.2, linewidth=0)
    curve.set(yscale="log", xlabel="trial", title=f"best loss so far, {len(runs)} seeds", ylim=(2e-4, 0.6))
    curve.legend(frameon=False, loc="lower left")
    return figure


def _scatter(deep: plt.Axes, plain: plt.Axes, run: Run) -> None:
    """Draw proposals: hollow by chance, full by the model, the later the darker."""
    colours = mpl.colormaps["plasma_r"](np.linspace(0.2, 1, len(run.origins)))
    for k, (configuration, origin) in enumerate(zip(run.configurations, run.origins, strict=True)):
        hollow = origin in ("default", "random")
        axes, y = (deep, configuration["y"]) if "y" in configuration else (plain, 0.5)
        face = "none" if hollow else colours[k]
        axes.scatter(configuration["x"], y, s=26, facecolor=face, edgecolor=colours[k], linewidth=1.3, clip_on=False)


def _legend(figure: plt.Figure) -> None:
    marks = [
        Line2D([], [], linestyle="", marker="o", markerfacecolor="none", color="#404040", label="default, or chance"),
        Line2D([], [], linestyle="", marker="o", color="#404040", label="the sampler's own"),
    ]
    figure.legend(handles=marks, loc="outside lower left", ncols=2, frameon=False)


# ------------------------------------------------------------------------------------------------------- schedules


class Watched(VirtualWorkers):
    """Workers in simulated time that note who did what when."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.pieces: list[tuple[int, float, float, int, int, int]] = []
        self._places = list(range(self._n_workers))
        self._at: dict[int, int] = {}

    def submit(self, task: Task) -> None:
        """Note the worker, the beginning and end, the trial, and the rungs that it goes from and to."""
        before = {order for _, order, _ in self._running}
        super().submit(task)
        end, order, _ = next(entry for entry in self._running if entry[1] not in before)
        busy = {self._at[o] for o in before}
        place = next(p for p in self._places if p not in busy)
        self._at[order] = place
        job = task.job
        self.pieces.append((place, self.now, end, job.trial, job.from_fidelity, job.to_fidelity))


def run_schedule(name: str, n_workers: int = 4, limit: float = 150.0) -> Watched:
    """Let simulated workers train configurations drawn at random; some are slower than others."""
    space = ConfigurationSpace({"quality": (0.0, 1.0), "pace": (0.6, 1.6)}, seed=0)

    def objective(configuration: dict[str, Any], fidelity: int) -> dict[str, float]:
        loss = configuration["quality"] + (1.6 - configuration["pace"]) / fidelity
        return {"loss": loss, "cost": configuration["pace"] * fidelity}

    sampler, schedule, _ = resolve(("random", name), space, **RUNGS)
    history = RunHistory(space, RUNGS["max_fidelity"])
    workers = Watched(objective, n_workers, limit)
    Loop(
        history=history,
        proposals=Proposals(space, sampler, (), 0, history.trials),
        schedule=schedule,
        runner=workers,
        limits=Limits(np.inf, limit, np.inf),
        clock=lambda: workers.now,
        started=0.0,
    ).run()
    return workers


def draw_schedule(name: str, limit: float = 150.0) -> plt.Figure:
    """Draw how far each trial gets, and what four workers do meanwhile."""
    started = run_schedule(name, limit=limit).pieces
    pieces = [piece for piece in started if piece[2] <= limit]
    first, rungs = {}, sorted({piece[5] for piece in pieces})
    for piece in pieces:
        first.setdefault(piece[3], piece[5])
    colour = {fidelity: COLOURS[k % len(COLOURS)] for k, fidelity in enumerate(sorted(set(first.values())))}
    figure, (reach, gantt) = plt.subplots(1, 2, figsize=(8.2, 2.9), layout="constrained", width_ratios=(1.15, 1))
    for _, _, _, trial, low, high in pieces:
        reach.plot([trial, trial], [max(low, 0.75), high], color=colour[first[trial]], linewidth=1.6)
        reach.plot(trial, high, marker="o", markersize=3, color=colour[first[trial]])
    reach.set(yscale="log", xlabel="trial, in the order of their start", ylabel="epochs", ylim=(0.75, 36))
    reach.set_yticks(rungs, [str(rung) for rung in rungs])
    reach.minorticks_off()
    reach.xaxis.set_major_locator(MaxNLocator(integer=True))
    reach.set_title(f"{len(first)} trials: how far each is trained")
    for place, start, end, trial, low, rung in started:
        gantt.barh(
            place,
            min(end, limit) - start,
            left=start,
            height=0.8,
            color=colour[first.get(trial, rung)],
            edgecolor="white",
            linewidth=0.6,
            alpha=0.95 if low == 0 else 0.5,
        )
    gantt.set(xlabel="time", yticks=range(4), yticklabels=[f"worker {k + 1}" for k in range(4)], xlim=(0, limit))
    gantt.set_title("pale: a trial that goes on")
    return figure


# ------------------------------------------------------------------------------------------------- weight sharing


def draw_weight_sharing() -> plt.Figure:
    """Draw a supernet's cell, and one architecture in it."""
    figure, (every, one) = plt.subplots(1, 2, figsize=(8.2, 2.2), layout="constrained")
    kinds = [name for name in SPACE.operations if name not in ("none", "skip")][:3]
    edges = [(str(e.source), str(e.target), f"{len(SPACE.operations)} operations") for e in SPACE.edges]
    path = [(str(e.source), str(e.target), kinds[k % 3]) for k, e in enumerate(SPACE.edges) if k != 3]
    plot_cell(edges, every).set_title("the supernet: all operations on every edge, gated")
    plot_cell(path, one).set_title("one architecture: one gate open an edge")
    return figure


# ------------------------------------------------------------------------------------- from the tables of benchmarks


def tables(text: str, first_column: str) -> list[list[list[str]]]:
    """Find the tables of a page in Markdown whose header begins so; the header is the first row."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")] if "|" in line else []
        if not cells:
            inside = False
        elif not inside and cells[0].startswith(first_column):
            inside = True
            found.append([cells])
        elif inside and not re.fullmatch(r"-*", cells[0]):
            found[-1].append(cells)
    return found


def draw_optimizers(text: str) -> plt.Figure:
    """Draw the regret of the optimizers, with its standard error, from the table that has ``auto``."""
    table = next(t for t in tables(text, "optimizer") if t[1][0] == "auto")
    names = [row[0] for row in table[1:]]
    size = (8.2, 0.6 + 0.17 * len(names))
    figure, axes = plt.subplots(1, 2, figsize=size, layout="constrained", sharey=True)
    for ax, column in zip(axes, ("regret", "area"), strict=True):
        values = np.array([[float(v) for v in row[table[0].index(column)].split(" ± ")] for row in table[1:]])
        ax.errorbar(values[:, 0], range(len(names)), xerr=values[:, 1], fmt="o", color=COLOURS[0], capsize=3)
        ax.set(xlim=(0, None), yticks=range(len(names)), yticklabels=names)
        ax.grid(axis="x", alpha=0.3)
    axes[0].invert_yaxis()
    axes[0].set_title("regret after 50 full trainings")
    axes[1].set_title("mean regret on the way there")
    return figure


def draw_peers(text: str) -> plt.Figure:
    """Draw the mean ranks of AutoNAS and its peers."""
    losses = next(t for t in tables(text, "log loss, or RMSE: 12 data sets"))
    scores = next(t for t in tables(text, "accuracy, or R2: 12 data sets"))
    names = [row[0] for row in losses[1:]]
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.0), layout="constrained", sharey=True)
    for ax, table in zip(axes, (losses, scores), strict=True):
        ranks = {row[0]: float(row[1]) for row in table[1:]}
        colours = [COLOURS[1] if name == "autonas" else COLOURS[0] for name in names]
        ax.barh(range(len(names)), [ranks[name] for name in names], color=colours, height=0.7)
        ax.set(xlim=(1, None), yticks=range(len(names)), yticklabels=names, xlabel="mean rank of nine (1 is best)")
    axes[0].invert_yaxis()
    axes[0].set_title("by log loss or RMSE")
    axes[1].set_title("by accuracy or R2")
    return figure


def save(figure: plt.Figure, name: str) -> None:
    """Write a small PNG with a transparent ground: the page is white, or black."""
    FIGURES.mkdir(exist_ok=True)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110, transparent=True)
    # A palette is enough for a drawing, and a third of the size.
    Image.open(drawn).quantize(128, method=Image.Quantize.FASTOCTREE).save(FIGURES / f"{name}.png", optimize=True)
    plt.close(figure)


def main() -> None:
    """Draw those whose name begins as asked for, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", default=[""], help="such as sampler_kde, or schedule; default: all")
    asked = tuple(parser.parse_args().names)
    mpl.use("Agg")
    plt.rcParams.update({"font.size": 9, "axes.titlesize": 9.5, "axes.spines.top": False, "axes.spines.right": False})
    text = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    by_chance = functools.cache(lambda: np.array([run_sampler("random", seed).best for seed in SEEDS]))
    drawings: dict[str, Callable[[], plt.Figure]] = {
        **{f"sampler_{name}": lambda name=name: draw_sampler(name, by_chance()) for name in SAMPLERS},
        **{f"schedule_{name}": functools.partial(draw_schedule, name) for name in SCHEDULES},
        "weight_sharing": draw_weight_sharing,
        "benchmark_optimizers": lambda: draw_optimizers(text),
        "benchmark_peers": lambda: draw_peers(text),
    }
    for name, draw in drawings.items():
        if name.startswith(asked):
            print(name, flush=True)
            save(draw(), name)


if __name__ == "__main__":
    main()
