"""The arithmetic of rungs and brackets, in integers."""

from __future__ import annotations

__all__ = ["bracket_sizes", "check_fidelities", "rungs"]


def rungs(min_fidelity: int, max_fidelity: int, eta: int) -> list[int]:
    """List the fidelities at which trials are compared.

    Parameters
    ----------
    min_fidelity, max_fidelity : int
        The range, both at least 1.
    eta : int
        From rung to rung the fidelity grows by this factor, at least 2.

    Returns
    -------
    list of int
        ``max_fidelity // eta**k`` as long as it is not below ``min_fidelity``, ascending.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Notes
    -----
    Counted, because ``floor(log(243) / log(3))`` is 4 in floating point, and a rung is lost.

    Examples
    --------
    >>> rungs(1, 243, 3)
    [1, 3, 9, 27, 81, 243]
    >>> rungs(1, 52, 3)
    [1, 5, 17, 52]
    """
    check_fidelities(min_fidelity, max_fidelity, eta)
    ladder = []
    power = 1
    while max_fidelity // power >= min_fidelity:
        ladder.append(max_fidelity // power)
        power *= eta
    return ladder[::-1]


def check_fidelities(min_fidelity: int, max_fidelity: int, eta: int) -> None:
    """Raise a ValueError that names the argument that is out of its range, the value and the mend."""
    for name, value, least in (
        ("min_fidelity", min_fidelity, 1),
        ("max_fidelity", max_fidelity, 1),
        ("eta", eta, 2),
    ):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(  # noqa: TRY004 - all arguments fail alike
                f"`{name}` is {value!r}, but must be an int >= {least}; round it."
            )
        if value < least:
            raise ValueError(f"`{name}` is {value}, but must be >= {least}.")
    if min_fidelity > max_fidelity:
        raise ValueError(
            f"`min_fidelity` is {min_fidelity}, above `max_fidelity`, which is {max_fidelity}; lower the "
            "one or raise the other."
        )


def bracket_sizes(n_rungs: int, bracket: int, eta: int) -> list[int]:
    """Say how many trials a bracket of Hyperband trains at each of its rungs.

    Parameters
    ----------
    n_rungs : int
        Rungs of the whole ladder.
    bracket : int
        Number of promotions in the bracket: ``n_rungs - 1`` starts at the lowest rung, 0 only at the highest.
    eta : int
        One trial of ``eta`` goes on.

    Returns
    -------
    list of int
        Of length ``bracket + 1``, from the bracket's lowest rung up.

    Notes
    -----
    As hpbandster counts them [1]_: ``floor(n_rungs / (bracket + 1)) * eta**bracket`` at first, where the
    paper rounds up (Li et al. 2018, Algorithm 1).

    References
    ----------
    .. [1] ``hpbandster.optimizers.BOHB.get_next_iteration``.

    Examples
    --------
    >>> [bracket_sizes(5, bracket, 3) for bracket in (4, 3, 2, 1, 0)]
    [[81, 27, 9, 3, 1], [27, 9, 3, 1], [9, 3, 1], [6, 2], [5]]
    """
    first = n_rungs // (bracket + 1) * eta**bracket
    return [max(first // eta**promotion, 1) for promotion in range(bracket + 1)]
