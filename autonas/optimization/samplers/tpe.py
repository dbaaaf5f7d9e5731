"""Optuna's tree-structured Parzen estimator."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from ConfigSpace import CategoricalHyperparameter, Configuration, ConfigurationSpace, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autonas.optimization._optuna import distribution, quiet
from autonas.optimization.interfaces import Trial
from autonas.optimization.samplers._observations import largest_with, observations
from autonas.optimization.samplers._vectors import Floats, VectorSpace

__all__ = ["TPE"]

_TRIES = 10
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
"""Optuna wants a date; no date may change what is proposed."""


class TPE:
    """Optuna's ``TPESampler`` [1]_ on a study in memory: multivariate, grouped by conditions, constant liar.

    The space's conditions are followed from parent to child, so that only active hyperparameters are sampled.
    The model is of the trials at the largest fidelity that ``n_startup_trials`` have reached. Optuna's own way with
    several fidelities, to rank every trial that got further above all that did not, takes for good whatever a
    Hyperband bracket starts at a high rung: on LCBench its regret was 1.6 times as large. Failed trials rank last,
    trials without a result are running.

    Parameters
    ----------
    space : ConfigurationSpace
        The space to propose from.
    n_startup_trials : int, default=10
        Results at one fidelity before the model is used.
    n_ei_candidates : int, default=24
        Draws of which the best is proposed.

    References
    ----------
    .. [1] S. Watanabe. Tree-Structured Parzen Estimator: Understanding Its Algorithm Components and Their
       Roles for Better Empirical Performance. arXiv:2304.11127, 2023.
    """

    def __init__(self, space: ConfigurationSpace, *, n_startup_trials: int = 10, n_ei_candidates: int = 24) -> None:
        self._vectors = VectorSpace(space)
        self._options = {"n_startup_trials": n_startup_trials, "n_ei_candidates": n_ei_candidates}
        self._distributions = {name: _distribution(hp) for name, hp in space.items()}
        # Of each trial seen, its configuration and its parameters in Optuna's words: they never change.
        self._known: dict[int, tuple[Configuration, dict[str, Any]]] = {}

    def suggest(self, trials: Sequence[Trial], rng: np.random.Generator) -> Configuration | None:
        """Propose a configuration, see :class:`~autonas.optimization.Sampler`; None if all are forbidden."""
        found = observations(trials)
        fidelity = largest_with(found, lambda *_: self._options["n_startup_trials"])
        if fidelity is None:  # drawn from the space's own prior, which Optuna does not know
            return self._vectors.random(rng)
        past = [frozen for place in range(len(trials)) if (frozen := self._freeze(place, trials[place], fidelity))]
        with warnings.catch_warnings(), quiet():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = _Past(past)
            study_id = storage.create_new_study([StudyDirection.MINIMIZE])
            sampler = optuna.samplers.TPESampler(
                multivariate=True,
                group=True,
                constant_liar=True,
                seed=int(rng.integers(2**31)),
                **self._options,  # type: ignore[arg-type]
            )
            study = Study(storage.get_study_name_from_id(study_id), storage, sampler=sampler)
            for _ in range(_TRIES):
                # A try that was forbidden stays a running trial, from which the liar keeps the next one away.
                rows, legal = self._vectors.settle(self._ask(study)[None])
                if legal[0]:
                    return self._vectors.configuration(rows[0], "tpe")
        return None

    def _ask(self, study: Study) -> Floats:
        """Define by run: from parents to children, as far as they are active."""
        trial = study.ask()
        vector = np.full(len(self._vectors.hyperparameters), np.nan)
        for column, hyperparameter in enumerate(self._vectors.hyperparameters):
            name = hyperparameter.name
            if not self._vectors.is_active(column, vector):
                continue
            wanted = self._distributions[name]
            if not self._vectors.varying[column]:
                vector[column] = hyperparameter.to_vector(hyperparameter.default_value)
            elif isinstance(wanted, CategoricalDistribution):
                vector[column] = trial.suggest_categorical(name, wanted.choices)
            elif isinstance(hyperparameter, OrdinalHyperparameter):
                assert isinstance(wanted, IntDistribution)
                vector[column] = trial.suggest_int(name, wanted.low, wanted.high)
            elif isinstance(wanted, IntDistribution):
                number = trial.suggest_int(name, wanted.low, wanted.high, log=wanted.log)
                vector[column] = hyperparameter.to_vector(number)
            else:
                assert isinstance(wanted, FloatDistribution)
                vector[column] = hyperparameter.to_vector(
                    trial.suggest_float(name, wanted.low, wanted.high, log=wanted.log)
                )
        return vector

    def _freeze(self, place: int, trial: Trial, fidelity: int) -> FrozenTrial | None:
        """Show Optuna a trial as it stands at one fidelity; None where it was not trained to that."""
        loss = trial.losses.get(fidelity, np.inf)
        if np.isfinite(loss):
            state = TrialState.COMPLETE
        elif trial.failure is not None:
            state = TrialState.PRUNED  # before it had reported anything: Optuna ranks it last
        elif not trial.results:
            state = TrialState.RUNNING
        else:
            return None
        parameters = self._parameters(trial)
        return FrozenTrial(
            number=_FIRST_NUMBER + place,
            trial_id=_FIRST_NUMBER + place,
            state=state,
            value=loss if state == TrialState.COMPLETE else None,
            datetime_start=_EPOCH,
            datetime_complete=None if state == TrialState.RUNNING else _EPOCH,
            params=parameters,
            distributions={name: self._distributions[name] for name in parameters},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )

    def _parameters(self, trial: Trial) -> dict[str, Any]:
        known = self._known.get(trial.number)
        if known is None or known[0] is not trial.configuration:
            parameters = {}
            vector = trial.configuration.get_array()
            for column in np.flatnonzero(self._vectors.varying & ~np.isnan(vector)):
                hyperparameter = self._vectors.hyperparameters[column]
                name = hyperparameter.name
                wanted = self._distributions[name]
                if isinstance(hyperparameter, (CategoricalHyperparameter, OrdinalHyperparameter)):
                    parameters[name] = int(vector[column])
                else:
                    assert isinstance(wanted, (FloatDistribution, IntDistribution))
                    parameters[name] = min(max(trial.configuration[name], wanted.low), wanted.high)
            known = self._known[trial.number] = (trial.configuration, parameters)
        return known[1]


_FIRST_NUMBER = 10**6
"""Numbers of past trials start here, apart from those that are asked for now."""


def _distribution(hyperparameter: Hyperparameter[Any, Any]) -> BaseDistribution:
    """Choices by their place, which can be anything, and ordinals as integers, which have an order."""
    wanted = distribution(hyperparameter)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return IntDistribution(0, len(hyperparameter.sequence) - 1)
    if isinstance(wanted, CategoricalDistribution):
        return CategoricalDistribution(range(len(wanted.choices)))
    return wanted


class _Past(optuna.storages.InMemoryStorage):
    """A study in memory with a past that is not copied trial by trial."""

    def __init__(self, past: list[FrozenTrial]) -> None:
        super().__init__()
        self._past = past

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Any = None,
    ) -> list[FrozenTrial]:
        past = [trial for trial in self._past if states is None or trial.state in states]
        return past + super().get_all_trials(study_id, deepcopy=deepcopy, states=states)
