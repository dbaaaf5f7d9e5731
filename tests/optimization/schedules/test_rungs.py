from __future__ import annotations

import numpy as np
import pytest

from autonas.optimization.schedules.rungs import bracket_sizes, rungs


@pytest.mark.parametrize(
    ("low", "high", "eta", "expected"),
    [
        (1, 243, 3, [1, 3, 9, 27, 81, 243]),
        (1, 81, 3, [1, 3, 9, 27, 81]),
        (1, 52, 3, [1, 5, 17, 52]),
        (2, 81, 3, [3, 9, 27, 81]),
        (1, 1, 3, [1]),
        (5, 12, 3, [12]),
        (4, 12, 3, [4, 12]),
        (1, 1000, 10, [1, 10, 100, 1000]),
        (1, 64, 2, [1, 2, 4, 8, 16, 32, 64]),
    ],
)
def test_rungs(low, high, eta, expected):
    assert rungs(low, high, eta) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 9, 3), "`min_fidelity` is 0, but must be >= 1"),
        ((1, 0, 3), "`max_fidelity` is 0, but must be >= 1"),
        ((1, 9, 1), "`eta` is 1, but must be >= 2"),
        ((9, 3, 3), "`min_fidelity` is 9, above `max_fidelity`, which is 3"),
        ((1.5, 9, 3), "`min_fidelity` is 1.5, but must be an int"),
        ((1, True, 3), "`max_fidelity` is True, but must be an int"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        rungs(*arguments)


@pytest.mark.parametrize("n_rungs", range(1, 7))
@pytest.mark.parametrize("eta", [2, 3, 4])
def test_bracket_sizes_are_those_of_hpbandster(n_rungs, eta):
    for bracket in range(n_rungs):
        first = int(np.floor(n_rungs / (bracket + 1)) * eta**bracket)
        # Rounded, since hpbandster's own floating point makes 0 of 81 * 3**-4 on some machines.
        expected = [max(int(round(first * eta**-i, 6)), 1) for i in range(bracket + 1)]
        assert bracket_sizes(n_rungs, bracket, eta) == expected
