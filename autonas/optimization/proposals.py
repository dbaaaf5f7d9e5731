"""Which trial comes next: the default, the user's own, the sampler's, and never one twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace

from autonas.optimization.interfaces import Sampler, Trial
from autonas.optimization.samplers.random import Random
from autonas.spaces import configuration_from, enumerate_configurations, values

__all__ = ["Proposals"]

_SAMPLER_TRIES = 5
_RANDOM_TRIES = 20
_SMALL = 2_000
"""Spaces of no more configurations are listed at the first repeat: to see their end, and at little cost."""
_LARGE = 100_000
"""Spaces of no more configurations are listed when chance no longer finds an unseen one."""


class Proposals:
    """Make new trials.

    The first is the space's default, the next are ``initial_configurations``, then the sampler is asked. What
    was proposed before is turned down and the sampler asked again, with fresh randomness; after some tries
    chance chooses, and in the end one that is left of a small space. Everything follows from the seed and
    from the trials: a run that is resumed makes the same proposals.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    sampler : Sampler
        Asked when the initial configurations are used up.
    initial_configurations : sequence of Configuration or mapping
        Tried after the default; hyperparameters left out get their defaults. Where one has an ``origin`` (a
        Configuration may), the trial's is the same; else it is ``"initial"``.
    entropy : int
        The run's seed.
    trials : list of Trial
        The run's trials; not changed here.
    accepts : callable, optional
        Turns configurations down, as for :func:`~autonas.optimization.search`.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        sampler: Sampler,
        initial_configurations: Sequence[Configuration | Mapping[str, Any]],
        entropy: int,
        trials: list[Trial],
        accepts: Callable[[dict[str, Any]], bool] | None = None,
    ) -> None:
        self._space = space
        self._sampler = sampler
        self._random = Random(space)
        self._entropy = entropy
        self._trials = trials
        self._accepts = accepts
        self._turned_down: list[Configuration] = []
        self._initial = [(space.get_default_configuration(), "default")]
        self._initial += [
            (_initial(space, given, place), str(getattr(given, "origin", None) or "initial"))
            for place, given in enumerate(initial_configurations)
        ]
        self._seen = {fingerprint(values(trial.configuration)) for trial in trials}
        self._listed: list[Configuration] | None = None
        self._looked_for = 0

    def propose(self) -> Trial | None:
        """Make the next trial.

        Returns
        -------
        Trial or None
            None when every configuration of the space has been proposed.
        """
        number = len(self._trials)
        chosen = self._choose(number)
        if chosen is None:
            return None
        seed = int(np.random.SeedSequence(self._entropy, spawn_key=(number,)).generate_state(1)[0] >> 1)
        return Trial(number, *chosen, seed)

    def _choose(self, number: int) -> tuple[Configuration, str] | None:
        self._turned_down.clear()
        while self._initial:
            given, origin = self._initial.pop(0)
            found = self._unseen(given, asked_for=origin in ("default", "initial"))
            if found is not None:
                return found, origin
        for attempt in range(_SAMPLER_TRIES):
            suggested = self._sampler.suggest(self._trials, self._rng(number, attempt))
            if suggested is None:
                break
            found = self._unseen(suggested)
            if found is not None:
                return found, str(getattr(suggested, "origin", None) or type(self._sampler).__name__.lower())
            if self._exhausted():
                return None
        for attempt in range(_SAMPLER_TRIES, _SAMPLER_TRIES + _RANDOM_TRIES):
            found = self._unseen(self._random.suggest(self._trials, self._rng(number, attempt)))
            if found is not None:
                return found, "random"
        if self._turned_down:  # better one of these than to end with time left
            found = self._unseen(self._turned_down[0], asked_for=True)
            assert found is not None
            return found, "random"
        return self._left_over(self._rng(number, _SAMPLER_TRIES + _RANDOM_TRIES))

    def _unseen(self, given: Configuration | Mapping[str, Any], *, asked_for: bool = False) -> Configuration | None:
        """Rebuild a configuration from native values, so that it is the same after a run was read back.

        None if it was seen before, or is turned down and was not asked for by the user.
        """
        native = values(given) if isinstance(given, Configuration) else given
        configuration = configuration_from(self._space, native)
        native = values(configuration)
        mark = fingerprint(native)
        if mark in self._seen:
            return None
        if self._accepts is not None and not asked_for and not self._accepts(native):
            self._turned_down.append(configuration)
            return None
        self._seen.add(mark)
        return configuration

    def _exhausted(self, limit: int = _SMALL) -> bool:
        """Say whether the space has no more than ``limit`` configurations, and all of them were proposed."""
        if limit > self._looked_for:
            self._listed = enumerate_configurations(self._space, limit)
            # A space that was listed needs no other look.
            self._looked_for = limit if self._listed is None else _LARGE
        return self._listed is not None and len(self._seen) >= len(self._listed)

    def _left_over(self, rng: np.random.Generator) -> tuple[Configuration, str] | None:
        if self._exhausted(_LARGE) or self._listed is None:
            return None
        for place in rng.permutation(len(self._listed)):
            found = self._unseen(self._listed[place], asked_for=True)
            if found is not None:
                return found, "random"
        return None

    def _rng(self, number: int, attempt: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self._entropy, spawn_key=(number, attempt)))


def _initial(space: ConfigurationSpace, given: Configuration | Mapping[str, Any], place: int) -> Configuration:
    try:
        return configuration_from(space, values(given) if isinstance(given, Configuration) else given)
    except ValueError as error:
        raise ValueError(f"`initial_configurations[{place}]` is not legal: {error}") from error


def fingerprint(native: Mapping[str, Any]) -> str:
    """Give a text that two configurations share if and only if they are the same."""
    return json.dumps(native, sort_keys=True, default=repr)
