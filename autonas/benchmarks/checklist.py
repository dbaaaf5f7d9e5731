"""The checklist of best practices for research on NAS, answered from what a run has on record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autonas._loading import _read_history
from autonas._stored import read_snapshot
from autonas.benchmarks._markdown import markdown_table
from autonas.benchmarks._runs import read_results
from autonas.benchmarks.tables import TABLES
from autonas.optimization import SAMPLERS, SCHEDULES, RunHistory

__all__ = ["Answer", "checklist", "markdown"]

YES, NO, UNKNOWN = "yes", "no", "not known"

QUESTIONS = {
    "code": "Code of the training that judges the final networks: published?",
    "space": "Search space: on record, to be published with the results?",
    "evaluation": "Settings and seeds of the final evaluation: on record?",
    "method": "Code of the NAS method: published?",
    "settings": "Settings and seed of the NAS method: on record?",
    "same_benchmark": "Methods compared on the same data, space and training?",
    "confounders": "Hardware and versions the same for all methods?",
    "ablations": "Ablations made?",
    "protocol": "The same protocol of evaluation for all methods?",
    "over_time": "Performance over time on record?",
    "random_search": "Compared with random search?",
    "repeated": "Several runs, their seeds on record?",
    "benchmarks": "Tabular or surrogate benchmarks used?",
    "tuning": "How the method was tuned, and what that cost: on record?",
    "end_to_end": "Time from end to end on record, not of the search alone?",
    "setup": "All details of the setup on record?",
}
"""The points of version 1.0 of the checklist, in its order."""

_OUTSIDE = {
    "code": "whether anything was published is no part of a record",
    "method": "whether anything was published is no part of a record",
    "ablations": "no record says what a comparison was meant to show",
    "tuning": "no record says what was tried before",
    "confounders": "machines and versions of a comparison are not recorded",
}


@dataclass(frozen=True)
class Answer:
    """The answer to one point.

    Attributes
    ----------
    question : str
    answer : {"yes", "no", "not known"}
        ``"yes"`` only for what was found in the record.
    why : str
        What was found, or what is missing.
    """

    question: str
    answer: str
    why: str


def checklist(run: str | Path) -> list[Answer]:
    """Answer the NAS best-practices checklist [1]_ from a record.

    Parameters
    ----------
    run : str or Path
        The ``run_dir`` of a search or a fit; or a file of results of ``python -m autonas benchmark optimizers``,
        which can say more: a run by itself compares nothing.

    Returns
    -------
    list of Answer
        One a point. What the record does not show is ``"not known"``: it may well have been done.

    Raises
    ------
    FileNotFoundError
        If there is nothing at that place.
    ValueError
        If it holds no record.

    References
    ----------
    .. [1] M. Lindauer and F. Hutter. Best Practices for Scientific Research on Neural Architecture Search. JMLR 21,
       2020 (arXiv:1909.02453, 2019), Section 5 and the checklist of version 1.0.
    """
    run = Path(run)
    if not run.exists():
        raise FileNotFoundError(f"There is no run at {str(run)!r}: pass what was run_dir, or a file of results.")
    found = _of_folder(run) if run.is_dir() else _of_comparison(run)
    found = {**{key: (UNKNOWN, why) for key, why in _OUTSIDE.items()}, **found}
    return [Answer(question, *found.get(key, (UNKNOWN, "not recorded"))) for key, question in QUESTIONS.items()]


def markdown(answers: Sequence[Answer]) -> str:
    """Write answers as a table."""
    counts = ", ".join(f"{sum(a.answer == kind for a in answers)} {kind}" for kind in (YES, NO, UNKNOWN))
    table = markdown_table(["best practice", "answer", "why"], [[a.question, a.answer, a.why] for a in answers])
    return f"{table}\n\n{counts}. Not known means that the record does not show it; say yourself what was done."


Found = dict[str, tuple[str, str]]


def _of_folder(folder: Path) -> Found:
    path = folder / "settings.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        count = len(settings["space"]["hyperparameters"])
    except FileNotFoundError:
        raise ValueError(f"{str(folder)!r} holds no run: it has no settings.json. Pass what was run_dir.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{str(path)!r} cannot be read ({error}); copy the run anew.") from error
    rungs = ", ".join(f"{name} {settings.get(name)}" for name in ("min_fidelity", "max_fidelity", "eta"))
    alone = (UNKNOWN, "one run compares nothing; others may")
    found: Found = {
        "space": (YES, f"settings.json: {count} hyperparameters with conditions and forbidden combinations"),
        "same_benchmark": alone,
        "protocol": alone,
        "random_search": alone,
        "benchmarks": (UNKNOWN, "a run does not record what its objective was"),
    }
    seed = settings.get("random_state")
    if seed is not None:
        named = str(settings.get("optimizer"))
        found["settings"] = (
            (YES, f"settings.json: {named}, {rungs}, seed {seed}")
            if all(any(part.startswith(name) for name in (*SAMPLERS, *SCHEDULES)) for part in named.split(" x "))
            else (UNKNOWN, f"settings.json: {named}, {rungs}, seed {seed}; what that object was set to is not recorded")
        )
        found["repeated"] = UNKNOWN, f"this is one run, of seed {seed}"
    history = _history(folder)
    if history is not None:
        results = sum(len(trial.results) for trial in history.trials)
        if results:
            found["over_time"] = (
                YES,
                f"{results} results of {len(history.trials)} trials, each with its time and fidelity",
            )
            taken = f"the search took {history.wall_seconds:.1f} s"
            found["end_to_end"] = UNKNOWN, f"{taken}; what came before and after is not recorded"
    found.update(_of_fit(folder, seeds=history is not None))
    return found


def _history(folder: Path) -> RunHistory | None:
    try:
        return _read_history(folder, None)
    except ValueError:  # elsewhere than in the folder, or damaged: nothing to be seen
        return None


def _of_fit(folder: Path, *, seeds: bool) -> Found:
    """Say what the stored estimator adds; nothing for a run of ``search``, or one that did not get so far."""
    try:
        snapshot = read_snapshot(folder)
    except (FileNotFoundError, ValueError):
        return {}
    environment = ", ".join(f"{name} {value}" for name, value in snapshot.environment.items())
    parameters = f"{snapshot.estimator} with {len(snapshot.params)} parameters"
    return {
        "evaluation": (YES, f"{parameters}, seeds of all trials")
        if seeds
        else (UNKNOWN, f"{parameters}, but no seeds"),
        "setup": (UNKNOWN, f"recorded: {environment}; the data are not"),
    }


def _of_comparison(path: Path) -> Found:
    runs = [r for r in read_results(path) if {"optimizer", "benchmark", "seed", "budget", "curve"} <= r.keys()]
    if not runs:
        raise ValueError(f"{str(path)!r} holds no results of `python -m autonas benchmark optimizers`.")
    optimizers, names, seeds = ({r[key] for r in runs} for key in ("optimizer", "benchmark", "seed"))
    cells: dict[str, set[tuple[Any, ...]]] = {o: set() for o in optimizers}
    for r in runs:
        cells[r["optimizer"]].add((r["benchmark"], r["seed"], r["budget"], r.get("noisy")))
    same = len({frozenset(mine) for mine in cells.values()}) == 1
    several = len(optimizers) > 1
    listed = f"{len(optimizers)} optimizers, {len(names)} benchmarks, {len(seeds)} seeds"
    found: Found = {
        "over_time": (YES, "each run has its curve of regret over spent fidelity"),
        "random_search": (YES, "random search is among the optimizers") if "random" in optimizers
        else (NO, "random search is not among the optimizers"),
    }  # fmt: skip
    if several:
        found["same_benchmark"] = (
            (YES, f"the same benchmarks, seeds and budgets for all: {listed}")
            if same
            else (NO, f"not every optimizer has run on the same benchmarks, seeds and budgets: {listed}")
        )
        found["protocol"] = found["same_benchmark"]
    fewest = min(
        len({seed for b, seed, *_ in mine if b == name}) for mine in cells.values() for name in {m[0] for m in mine}
    )
    found["repeated"] = (
        (YES, f"at least {fewest} seeds for each optimizer and benchmark: {', '.join(map(str, sorted(seeds)))}")
        if fewest > 1
        else (NO, "some optimizer has one seed on some benchmark")
    )
    if names <= set(TABLES):
        found["benchmarks"] = YES, ", ".join(sorted(names))
        found["space"] = YES, "the benchmarks' own spaces"
    if all("simulated" in r for r in runs):
        found["end_to_end"] = YES, "seconds of each search, and simulated seconds of its trainings"
    return found
