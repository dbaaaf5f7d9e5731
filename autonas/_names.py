"""Errors for names that are not known: one wording for the whole library."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

__all__ = ["check_names", "unknown_name"]

#: Of more names than this only the most alike are listed.
MANY = 60


def unknown_name(kind: str, name: object, known: Iterable[object]) -> ValueError:
    """Make the error for an unknown name: it lists what exists, of very many the most alike, and names the nearest.

    Parameters
    ----------
    kind : str
        What is named, in the user's words: ``"optimizer"``, ``"hyperparameter"``.
    name : object
        The name that was given.
    known : iterable of object
        All the names that would have been accepted.

    Returns
    -------
    ValueError
        To be raised by the caller.

    Examples
    --------
    >>> str(unknown_name("optimizer", "bobh", ["bohb", "random"]))
    "Unknown optimizer 'bobh'; did you mean 'bohb'? Known: 'bohb', 'random'."
    """
    names = sorted(str(k) for k in known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    listed = ", ".join(map(repr, names)) or "none"
    if len(names) > MANY:
        nearest = difflib.get_close_matches(str(name), names, n=MANY // 3, cutoff=0.0)
        listed = f"{', '.join(map(repr, nearest))} and {len(names) - len(nearest)} more"
    return ValueError(f"Unknown {kind} {name!r}{hint} Known: {listed}.")


def check_names(kind: str, given: Iterable[object], known: Collection[object]) -> None:
    """Check that each of some names is known.

    Parameters
    ----------
    kind : str
        What each of them names.
    given : iterable of object
    known : collection of object

    Raises
    ------
    ValueError
        As of :func:`unknown_name`, for the first that is not.
    """
    for name in given:
        if name not in known:
            raise unknown_name(kind, name, known)
