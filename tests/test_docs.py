"""The code of docs/add_a_sampler.md runs, and its sampler keeps to what all samplers keep to."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from autonas.spaces import values
from tests.optimization.samplers.test_samplers import history
from tests.optimization.spaces import HAND_MADE

PAGE = Path(__file__).parents[1] / "docs" / "add_a_sampler.md"


@pytest.fixture(scope="module")
def defined():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 - that is the test
    return names


def test_it_is_short():
    assert len(PAGE.read_text().splitlines()) < 60


def test_the_search_of_the_page_finds_the_bottom(defined):
    assert defined["history"].best.loss < 0.5
    assert {"climber", "random"} <= {trial.origin for trial in defined["history"].trials}


@pytest.mark.parametrize("name", HAND_MADE)
def test_its_sampler_is_legal_and_pure(defined, name):
    space = HAND_MADE[name]()
    trials = history(space, 40)
    for seed in range(10):
        first = defined["Climber"](space).suggest(trials, np.random.default_rng(seed))
        first.check_valid_configuration()
        again = defined["Climber"](space)
        again.suggest(trials[:20], np.random.default_rng(99))
        assert values(again.suggest(trials, np.random.default_rng(seed))) == values(first)
