"""What every schedule keeps to, and the exact numbers of each."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given, settings
from hypothesis import strategies as st

from autonas.optimization import SCHEDULES, Trial
from autonas.optimization.optimizers import resolve
from autonas.optimization.schedules.full_first import FullFirst

CONFIGURATION = ConfigurationSpace({"x": (0.0, 1.0)}).get_default_configuration()


def test_the_first_trials_to_the_end():
    """Then Hyperband, as if it were alone."""
    jobs = run(FullFirst(build("hyperband"), 2, 9), Supply(7))
    assert [(j.trial, j.from_fidelity, j.to_fidelity) for j in jobs[:2]] == [(0, 0, 9), (1, 0, 9)]
    alone = run(build("hyperband"), Supply(5))
    assert [(j.trial - 2, j.to_fidelity) for j in jobs[2:]] == [(j.trial, j.to_fidelity) for j in alone]


def test_the_first_trials_with_nothing_left():
    assert [j.to_fidelity for j in run(FullFirst(build("asha"), 3, 9), Supply(2))] == [9, 9]


class Supply:
    """Proposes so many trials and then no more."""

    def __init__(self, n):
        self.left = n
        self.made = 0

    def __call__(self):
        if not self.left:
            return None
        self.left -= 1
        self.made += 1
        return Trial(self.made - 1, CONFIGURATION, "random", 0)


def build(name, low=1, high=9, eta=3):
    space = CONFIGURATION.config_space
    return resolve(("random", name), space, min_fidelity=low, max_fidelity=high, eta=eta)[1]


def run(schedule, supply, *, slots=1, loss=lambda job: float(job.trial), rng=None):
    """Hand out and report until nothing is left, jobs coming back in any order."""
    pending, done = [], []
    while True:
        while len(pending) < slots:
            job = schedule.next(supply)
            if job is None:
                break
            pending.append(job)
            done.append(job)
            assert len(done) < 5000, "never ends"
        if not pending:
            return done
        job = pending.pop(0 if rng is None else rng.integers(len(pending)))
        schedule.report(job, loss(job))


@pytest.mark.parametrize("name", SCHEDULES)
@settings(max_examples=60)
@given(
    n=st.integers(0, 60),
    slots=st.integers(1, 8),
    eta=st.integers(2, 4),
    low=st.integers(1, 5),
    high=st.integers(5, 100),
    failing=st.sampled_from([0.0, 0.2, 1.0]),
    seed=st.integers(0, 100),
)
def test_jobs_are_sound(name, n, slots, eta, low, high, failing, seed):
    rng = np.random.default_rng(seed)
    reached, failed, seen = {}, set(), set()

    def loss(job):
        # Checked when a job comes back; until then no other job of the trial may be out.
        assert job.from_fidelity == reached.get(job.trial, 0)
        assert job.trial not in failed
        reached[job.trial] = job.to_fidelity
        if rng.random() < failing:
            failed.add(job.trial)
            return math.inf
        return rng.random()

    supply = Supply(n)
    jobs = run(build(name, low, high, eta), supply, slots=slots, loss=loss, rng=rng)
    assert supply.made == n, "every proposal is used"
    assert {job.trial for job in jobs} == set(range(n))
    for job in jobs:
        assert 0 <= job.from_fidelity < job.to_fidelity <= high
        assert job.to_fidelity >= low
        assert type(job.to_fidelity) is int
        assert (job.trial, job.to_fidelity) not in seen
        seen.add((job.trial, job.to_fidelity))
    if n and not failing:
        assert max(reached.values()) == high, "someone is trained to the end"


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_single_configuration_climbs_to_the_top(name):
    jobs = run(build(name), Supply(1))
    steps = [(0, 9)] if name == "full" else [(0, 1), (1, 3), (3, 9)]
    assert [(job.from_fidelity, job.to_fidelity) for job in jobs] == steps


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_worker_never_idles_while_there_are_configurations(name):
    schedule, supply = build(name), Supply(1000)
    jobs = [schedule.next(supply) for _ in range(100)]
    assert None not in jobs
    assert {job.from_fidelity for job in jobs} == {0}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_same_reports_make_the_same_jobs(name):
    def jobs():
        rng = np.random.default_rng(0)
        return run(build(name), Supply(30), slots=3, rng=rng, loss=lambda job: (job.trial * 7) % 11)

    assert jobs() == jobs()


def rung_sizes(jobs):
    return dict(sorted(Counter(job.to_fidelity for job in jobs).items()))


@pytest.mark.parametrize(
    ("high", "n", "expected"),
    [
        # One round of brackets: 9-3-1, 3-1 (where the paper has 5-1), 3.
        (9, 15, {1: 9, 3: 3 + 3, 9: 1 + 1 + 3}),
        (81, 81, {1: 81, 3: 27, 9: 9, 27: 3, 81: 1}),
        (81, 81 + 27 + 9 + 6 + 5, {1: 81, 3: 27 + 27, 9: 9 * 3, 27: 3 * 3 + 6, 81: 1 + 1 + 1 + 2 + 5}),
        # Cut short: 5 of 9, one of three goes on.
        (9, 5, {1: 5, 3: 1, 9: 1}),
        (9, 9 + 2, {1: 9, 3: 3 + 2, 9: 1 + 1}),
    ],
)
def test_hyperband(high, n, expected):
    assert rung_sizes(run(build("hyperband", 1, high), Supply(n))) == expected


def test_hyperband_starts_again_with_the_widest_bracket():
    jobs = run(build("hyperband"), Supply(30))
    fresh = [job.to_fidelity for job in jobs if job.from_fidelity == 0]
    assert fresh == [1] * 9 + [3] * 3 + [9] * 3 + [1] * 9 + [3] * 3 + [9] * 3


def test_hyperband_promotes_the_best():
    jobs = run(build("hyperband"), Supply(9), loss=lambda job: -job.trial)
    assert [job.trial for job in jobs if job.to_fidelity == 3] == [6, 7, 8]
    assert [job.trial for job in jobs if job.to_fidelity == 9] == [8]


def test_hyperband_fills_the_place_of_failed_trials():
    jobs = run(build("hyperband"), Supply(12), loss=lambda job: 0 if job.trial in (0, 9, 10, 11) else math.inf)
    assert [(job.trial, job.from_fidelity, job.to_fidelity) for job in jobs[9:13]] == [
        (0, 1, 3),
        (9, 0, 3),
        (10, 0, 3),
        (0, 3, 9),
    ]


def test_hyperband_opens_the_next_bracket_while_one_waits():
    schedule, supply = build("hyperband"), Supply(100)
    waiting = [schedule.next(supply) for _ in range(9)]
    assert schedule.next(supply).to_fidelity == 3
    for job in waiting:
        schedule.report(job, job.trial)
    assert schedule.next(supply).from_fidelity == 1  # the first bracket comes first again


def test_successive_halving():
    jobs = run(build("successive_halving"), Supply(18))
    assert rung_sizes(jobs) == {1: 18, 3: 6, 9: 2}


def test_full():
    jobs = run(build("full", 1, 9), Supply(4))
    assert [(job.trial, job.from_fidelity, job.to_fidelity) for job in jobs] == [(i, 0, 9) for i in range(4)]


def test_asha_promotes_as_soon_as_it_can():
    jobs = run(build("asha"), Supply(9), loss=lambda job: job.trial)
    assert [(job.trial, job.to_fidelity) for job in jobs] == [
        (0, 1),
        (1, 1),
        (2, 1),
        (0, 3),  # 1 of 3
        (3, 1),
        (4, 1),
        (5, 1),
        (1, 3),  # 2 of 6
        (6, 1),
        (7, 1),
        (8, 1),
        (2, 3),  # 3 of 9
        (0, 9),  # 1 of 3 at the second rung
    ]


@pytest.mark.parametrize(
    ("low", "high", "eta", "wanted"),
    [
        (1, 81, 3, [9, 27, 81]),
        (1, 50, 3, [5, 16, 50]),
        (1, 9, 3, [1, 3, 9]),
        (10, 50, 3, [16, 50]),
        (12, 200, 16, [12, 200]),
        (7, 7, 3, [7]),
    ],
)
def test_short_asha_keeps_the_three_highest_rungs(low, high, eta, wanted):
    jobs = run(build("short_asha", low, high, eta), Supply(30))
    assert sorted({job.to_fidelity for job in jobs}) == wanted
    assert jobs == run(build("asha", wanted[0], high, eta), Supply(30)), "ASHA in all else"


def test_asha_brings_one_to_the_top_at_the_end():
    jobs = run(build("asha"), Supply(4), loss=lambda job: -job.trial)
    assert [(job.trial, job.to_fidelity) for job in jobs] == [
        (0, 1),
        (1, 1),
        (2, 1),
        (2, 3),
        (3, 1),
        (3, 3),  # 1 of 4: now the best, and not promoted yet
        (3, 9),  # 1 of 2 is none: this one is for the end
    ]


def test_asha_tries_the_next_where_the_best_fails():
    jobs = run(
        build("asha"),
        Supply(3),
        loss=lambda job: math.inf if job.to_fidelity == 3 and job.trial == 0 else job.trial,
    )
    assert [(job.trial, job.to_fidelity) for job in jobs[3:]] == [(0, 3), (1, 3), (1, 9)]
