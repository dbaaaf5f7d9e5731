from __future__ import annotations

import functools
import itertools
import subprocess
import sys

import pytest

from autonas.optimization import OPTIMIZERS, SAMPLERS, SCHEDULES, search
from autonas.optimization.optimizers import resolve
from autonas.optimization.samplers.kde import KDE
from autonas.optimization.samplers.random import Random
from autonas.optimization.schedules.asha import ASHA
from autonas.spaces import values
from tests.optimization.dear import each
from tests.optimization.spaces import conditional, objective

RUNGS = {"min_fidelity": 1, "max_fidelity": 9, "eta": 3}


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *each(itertools.product(SAMPLERS, SCHEDULES))], ids=str)
def test_every_optimizer_and_every_pair_searches(optimizer):
    space = conditional()
    history = search(
        objective,
        space,
        optimizer=optimizer,
        max_fidelity=9,
        n_trials=25,
        random_state=0,
        initial_configurations=[{}],
    )
    assert len(history.trials) == 25
    assert history.best.fidelity == 9
    assert history.best_loss < objective(values(space.get_default_configuration()), 9) + 1
    seen = [repr(values(trial.configuration)) for trial in history.trials]
    assert len(set(seen)) == 25
    assert history.trials[0].origin == "default"


def test_names_objects_classes_and_factories():
    space = conditional()
    for pair, name in [
        (("random", "asha"), "random x asha"),
        (["kde", ASHA], "kde x autonas.optimization.schedules.asha.ASHA"),
        ((KDE, "full"), "autonas.optimization.samplers.kde.KDE x full"),
        (
            (KDE(space), ASHA(1, 9, 3)),
            "autonas.optimization.samplers.kde.KDE x autonas.optimization.schedules.asha.ASHA",
        ),
        (
            (functools.partial(KDE, num_samples=8), "full"),
            "autonas.optimization.samplers.kde.KDE(num_samples=8) x full",
        ),
    ]:
        sampler, schedule, found = resolve(pair, space, **RUNGS)
        assert found == name
        assert hasattr(sampler, "suggest")
        assert hasattr(schedule, "next")


def test_a_sampler_of_ones_own_is_one_class():
    class Corner:
        def __init__(self, space):
            self.space = space

        def suggest(self, trials, rng):
            return {"x": float(len(trials)), "y": 0.5} if rng.random() < 2 else None

    from ConfigSpace import ConfigurationSpace

    space = ConfigurationSpace({"x": (0.0, 10.0), "y": (0.0, 1.0)})
    history = search(lambda c, f: c["x"], space, optimizer=(Corner, "full"), n_trials=4, random_state=0)
    assert [trial.configuration["x"] for trial in history.trials] == [5.0, 1.0, 2.0, 3.0]
    assert history.trials[1].origin == "corner"


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("bobh", "Unknown optimizer 'bobh'; did you mean 'bohb'"),
        (("kdee", "full"), "Unknown sampler 'kdee'; did you mean 'kde'"),
        (("kde", "hyperbrand"), "Unknown schedule 'hyperbrand'; did you mean 'hyperband'"),
        (3, "`optimizer` is 3, but must be one of"),
        (("kde",), "but must be one of"),
        (("kde", 3), "The schedule of `optimizer` is 3, but must be one of"),
        ((lambda space: 3, "full"), "made 3, which has no method `suggest`"),
    ],
)
def test_errors_name_what_was_meant(optimizer, message):
    with pytest.raises(ValueError, match=message):
        resolve(optimizer, conditional(), **RUNGS)


def test_slow_packages_load_when_used():
    program = """
import sys
from autonas.optimization import search
from ConfigSpace import ConfigurationSpace
space = ConfigurationSpace({"x": (0.0, 1.0)})
search(lambda c, f: c["x"], space, optimizer=("random", "asha"), n_trials=3)
print(sorted({"smac", "optuna", "hpbandster", "statsmodels", "sqlalchemy", "dask"} & set(sys.modules)))
search(lambda c, f: c["x"], space, optimizer="bohb", n_trials=3)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert not done.stderr


def test_random_is_a_sampler_without_a_model():
    assert isinstance(resolve("random", conditional(), **RUNGS)[0], Random)
