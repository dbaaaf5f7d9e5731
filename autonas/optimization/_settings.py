"""What two pieces of one run must agree on, kept as JSON beside its history."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

__all__ = ["entropy_of", "fresh", "kept_settings", "read_record", "settings_of", "study_name", "write_record"]

_FORMAT = 1


def entropy_of(random_state: object) -> int | None:
    """Get the seed of a run.

    Parameters
    ----------
    random_state : None, int, numpy.random.RandomState or numpy.random.Generator
        A generator is drawn from.

    Returns
    -------
    int or None
        None where nothing was given.

    Raises
    ------
    ValueError
        For anything else.
    """
    if random_state is None:
        return None
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63))
    if isinstance(random_state, (int, np.integer)) and random_state >= 0:
        return int(random_state)
    raise ValueError(
        f"`random_state` is {random_state!r}, but must be None, an int >= 0, or a numpy RandomState or Generator."
    )


def settings_of(
    space: ConfigurationSpace, optimizer: str, entropy: int | None, fidelities: Mapping[str, int]
) -> dict[str, Any]:
    """Put together what is compared when a run is resumed."""
    serialized = space.to_serialized_dict()
    parts = {part: serialized[part] for part in ("hyperparameters", "conditions", "forbiddens")}
    settings = {
        "format": _FORMAT,
        "optimizer": optimizer,
        "random_state": entropy,
        **fidelities,
        "space": parts,
    }
    # As it will be read back: tuples become lists, numpy's numbers Python's.
    read_back: dict[str, Any] = json.loads(json.dumps(settings, default=_plain))
    return read_back


def kept_settings(settings: dict[str, Any], path: Path) -> dict[str, Any]:
    """Write settings, or compare with those of an earlier piece of the run.

    Parameters
    ----------
    settings : dict
        As of :func:`settings_of`; a ``random_state`` of None takes the earlier one.
    path : Path
        The file.

    Returns
    -------
    dict
        With the ``random_state`` that holds, and the name of the ``study`` in the storage.

    Raises
    ------
    ValueError
        If they differ: each difference is named with both values.
    """
    if not path.exists():
        settings = {**fresh(settings), "study": study_name(path.parent.name)}
        write_record(path, settings)
        return settings
    earlier = read_record(path)
    if settings["random_state"] is None:
        settings = {**settings, "random_state": earlier.get("random_state")}
    settings = {**settings, "study": earlier.get("study")}
    differences = [
        f"`{name}` was {earlier.get(name)!r} and is {value!r}"
        for name, value in settings.items()
        if name != "space" and earlier.get(name) != value
    ] + _space_differences(earlier.get("space", {}), settings["space"])
    if differences:
        raise ValueError(
            f"The run in {str(path.parent)!r} was made with other settings: {'; '.join(differences)}. Pass "
            "the earlier values to go on with it, or another `run_dir` to start anew."
        )
    return settings


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON object of a run: first beside, then in its place, so that a run killed meanwhile finds a whole."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(record, indent=1), encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON object of a run.

    Raises
    ------
    ValueError
        If the file holds none, since it was truncated or altered.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no text
        raise _damaged(path, str(error)) from error
    if not isinstance(record, dict):
        raise _damaged(path, f"it holds a {type(record).__name__}")
    return record


def _damaged(path: Path, why: str) -> ValueError:
    return ValueError(
        f"{str(path)!r} is damaged ({why}): it was truncated or altered. Put back a copy of the folder as it was, or "
        "start anew in another `run_dir`."
    )


def fresh(settings: dict[str, Any]) -> dict[str, Any]:
    """Fill in a seed where none was given."""
    if settings["random_state"] is not None:
        return settings
    return {**settings, "random_state": np.random.SeedSequence().entropy}


def study_name(of: str) -> str:
    """Make up a name: a storage may hold the studies of many runs."""
    return f"autonas-{of}-{uuid.uuid4().hex[:8]}"


def _space_differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    before, after = ({hp["name"]: hp for hp in s.get("hyperparameters", [])} for s in (earlier, now))
    differences = [
        f"the space's hyperparameter {name!r} was {before.get(name)} and is {after.get(name)}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    for part in ("conditions", "forbiddens"):
        was, is_ = earlier.get(part, []), now[part]
        if was != is_:
            gone, new = [x for x in was if x not in is_], [x for x in is_ if x not in was]
            differences.append(f"of the space's {part}, {gone} are gone and {new} are new")
    return differences


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else repr(value)
