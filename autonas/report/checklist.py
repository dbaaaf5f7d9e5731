"""The checklist of best practices for research on NAS, answered from what a run has on record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autonas._run_dir import read_history
from autonas._stored import read_snapshot
from autonas.optimization import SAMPLERS, SCHEDULES, RunHistory

__all__ = ["NO", "QUESTIONS", "UNKNOWN", "YES", "Answer", "Found", "answers", "of_run"]

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


Found = dict[str, tuple[str, str]]
"""Question to answer and reason."""


def answers(found: Mapping[str, tuple[str, str]]) -> list[Answer]:
    """Answer all points by what was found; what was not is ``"not known"``."""
    known = {**{key: (UNKNOWN, why) for key, why in _OUTSIDE.items()}, **found}
    return [Answer(question, *known.get(key, (UNKNOWN, "not recorded"))) for key, question in QUESTIONS.items()]


def of_run(folder: Path, history: RunHistory | None = None) -> Found:
    """Find what the ``run_dir`` of a search or a fit shows.

    Parameters
    ----------
    folder : Path
    history : RunHistory, optional
        Of this run, where it has been read already.

    Returns
    -------
    dict of str to (str, str)

    Raises
    ------
    ValueError
        If it holds no record.
    """
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
    history = _history(folder) if history is None else history
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
        return read_history(folder, None)
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
