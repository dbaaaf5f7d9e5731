"""The runs of several optimizers as tables and drawings. The drawings need matplotlib, the extra ``plots``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from autonas.benchmarks.comparison import curve_at, markdown, ranks_over_budget

__all__ = ["plot_ranks", "plot_regret", "plot_workers", "tables", "write_report"]

Runs = Sequence[Mapping[str, Any]]
_RUN = ("optimizer", "benchmark", "seed", "budget", "noisy")
_POINTS = 200


def tables(runs: Runs) -> dict[str, pd.DataFrame]:
    """Lay runs out as tables.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    dict of str to DataFrame
        ``"runs"``, one row a run; ``"curves"``, one row for each change of a run's incumbent: full trainings
        ``spent``, ``simulated`` seconds (missing from results of earlier versions) and ``regret`` from then on.
    """
    plain = [{k: v for k, v in run.items() if k not in ("curve", "times")} for run in runs]
    points = [
        {**{k: run[k] for k in _RUN}, "spent": spent, "simulated": seconds, "regret": regret}
        for run in runs
        for (spent, regret), seconds in zip(run["curve"], run.get("times") or [None] * len(run["curve"]), strict=True)
    ]
    return {"runs": pd.DataFrame(plain), "curves": pd.DataFrame(points)}


def plot_regret(runs: Runs, over: str = "spent") -> Any:
    """Draw regret over what was spent: one panel a benchmark, means over seeds with 95 % confidence bands.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.optimizers.compare_optimizers`.
    over : {"spent", "simulated"}
        Full trainings, or simulated seconds of training.

    Returns
    -------
    matplotlib.figure.Figure
        A band is the mean plus and minus 1.96 standard errors over seeds, not below a tenth of the mean. Over seconds
        a line ends where the first of its runs does.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If there are no runs, or they have no simulated times.
    """
    if over not in ("spent", "simulated"):
        raise ValueError(f"`over` is {over!r}, but must be 'spent' or 'simulated'.")
    if not runs:
        raise ValueError("There are no runs to draw.")
    if over == "simulated" and not all(run.get("times") for run in runs):
        raise ValueError("Some runs have no simulated times: they were made by an earlier version; make them again.")
    benchmarks = list(dict.fromkeys(run["benchmark"] for run in runs))
    figure, axes = _panels(len(benchmarks))
    for ax, benchmark in zip(axes, benchmarks, strict=True):
        for number, name in enumerate(_optimizers(runs)):
            mine = [run for run in runs if run["benchmark"] == benchmark and run["optimizer"] == name]
            if mine:
                _band(ax, *_sampled(mine, over), name, number)
        logarithmic = over == "simulated"
        ax.set(title=benchmark, yscale="log", xscale="log" if logarithmic else "linear")
        ax.set_ylabel("normalized regret")
        ax.set_xlabel("simulated seconds" if logarithmic else "full trainings")
    axes[0].legend(fontsize="small")
    return figure


def plot_ranks(runs: Runs) -> Any:
    """Draw the mean rank over the budget.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (ax,) = _panels(1)
    ranks = ranks_over_budget(runs, np.linspace(0.02, 1, 50).tolist())
    for number, name in enumerate(_optimizers(runs)):
        ax.plot(100 * np.array(ranks.columns), ranks.loc[name], label=name, **_style(number))
    ax.set(xlabel="% of the budget", ylabel="mean rank")
    ax.legend(fontsize="small")
    return figure


def plot_workers(runs: Runs) -> Any:
    """Draw regret over simulated time: a row of panels a benchmark, a panel a number of workers, a line an optimizer.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.simulator.simulate`.

    Returns
    -------
    matplotlib.figure.Figure
        A band is the mean plus and minus 1.96 standard errors over seeds, not below a tenth of the mean.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If there are no runs.
    """
    if not runs:
        raise ValueError("There are no runs to draw.")
    benchmarks = list(dict.fromkeys(run["benchmark"] for run in runs))
    counts = sorted({run["workers"] for run in runs})
    figure, axes = _panels(len(benchmarks) * len(counts), columns=len(counts))
    for ax, (benchmark, count) in zip(axes, itertools.product(benchmarks, counts), strict=True):
        for number, name in enumerate(_optimizers(runs)):
            mine = [r for r in runs if (r["benchmark"], r["workers"], r["optimizer"]) == (benchmark, count, name)]
            curves = [run["curve"] for run in mine if run["curve"]]
            if curves:
                first, last = min(curve[0][0] for curve in curves), max(run["limit"] for run in mine)
                places = np.geomspace(max(first, last / 1e4), last, _POINTS)
                _band(ax, places, np.array([curve_at(curve, places) for curve in curves]), name, number)
        ax.set(title=f"{benchmark}, {count:,} worker{'s' * (count > 1)}", xscale="log", yscale="log")
        ax.set(xlabel="simulated seconds", ylabel="normalized regret")
    axes[0].legend(fontsize="small")
    return figure


def write_report(runs: Runs, folder: str | Path, kind: str = "csv") -> list[Path]:
    """Write tables, drawings and the summary of runs into a folder.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`~autonas.benchmarks.optimizers.compare_optimizers`.
    folder : str or Path
        Made if it is missing.
    kind : {"csv", "parquet"}
        Of the tables; parquet needs pyarrow.

    Returns
    -------
    list of Path
        The files: ``runs`` and ``curves``, ``summary.md``, ``regret_over_fidelity.png``, ``mean_rank.png`` and,
        where the runs know simulated times, ``regret_over_time.png``.

    Raises
    ------
    ImportError
        Without matplotlib, or without pyarrow where it is needed.
    ValueError
        If there are no runs, or ``kind`` is another.
    """
    if kind not in ("csv", "parquet"):
        raise ValueError(f"`kind` is {kind!r}, but must be 'csv' or 'parquet'.")
    figures = {"regret_over_fidelity": plot_regret(runs), "mean_rank": plot_ranks(runs)}
    if all(run.get("times") for run in runs):
        figures["regret_over_time"] = plot_regret(runs, "simulated")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.{kind}" for name in tables(runs)]
    for path, table in zip(written, tables(runs).values(), strict=True):
        if kind == "csv":
            table.to_csv(path, index=False)
        else:
            table.to_parquet(path, index=False)
    written.append(folder / "summary.md")
    written[-1].write_text(f"{markdown(runs)}\n", encoding="utf-8")
    for name, figure in figures.items():
        written.append(folder / f"{name}.png")
        figure.savefig(written[-1], dpi=120)
    return written


def _optimizers(runs: Runs) -> list[str]:
    return list(dict.fromkeys(run["optimizer"] for run in runs))


def _sampled(runs: Runs, over: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Read the curves of one optimizer on one benchmark at common places: those, and a row of regrets a run."""
    if over == "spent":
        curves = [run["curve"] for run in runs]
        places = np.linspace(0, min(run["budget"] for run in runs), _POINTS)
    else:
        curves = [[(t, r) for t, (_, r) in zip(run["times"], run["curve"], strict=True)] for run in runs]
        first, last = min(run["times"][0] for run in runs), min(run["simulated"] for run in runs)
        places = np.geomspace(max(first, 1e-9), max(first, last, 1e-9), _POINTS)
    return places, np.array([curve_at(curve, places) for curve in curves])


def _band(ax: Any, places: npt.NDArray[Any], regrets: npt.NDArray[Any], name: str, number: int) -> None:
    mean = regrets.mean(axis=0)
    style = _style(number)
    ax.step(places, np.maximum(mean, 1e-5), where="post", label=name, **style)
    if len(regrets) > 1:
        error = 1.96 * regrets.std(axis=0, ddof=1) / len(regrets) ** 0.5
        low, high = np.maximum(mean - error, np.maximum(mean / 10, 1e-5)), np.maximum(mean + error, 1e-5)
        ax.fill_between(places, low, high, step="post", alpha=0.15, linewidth=0, color=style["color"])


def _style(number: int) -> dict[str, Any]:
    """Ten colours, then other lines."""
    return {"color": f"C{number % 10}", "linestyle": ("-", "--", ":")[number // 10 % 3], "linewidth": 1.3}


def _panels(count: int, columns: int = 4) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - slow, and not everybody has it
    except ImportError as error:
        raise ImportError("Drawings need matplotlib: pip install 'autonas[plots]'") from error
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.2 * columns + 1, 3.4 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, axes[:count]
