"""From a run_dir back to a fitted estimator, without the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from autonas._all_rows import FOLDER
from autonas._assembling import Assembled
from autonas._fitting import Fitted, device_of
from autonas._run_dir import losses_of, read_history, trial_folder
from autonas._search_space import SearchSpace
from autonas._stored import Member, Snapshot, read_snapshot
from autonas.estimator import AutoNASClassifier, AutoNASRegressor
from autonas.spaces import NetworkFamily, load_family
from autonas.training.checkpoint import load_model
from autonas.training.ensemble import Ensemble, Ensembled
from autonas.training.metrics import Metric, resolve_metric
from autonas.training.restoring import rebuild

__all__ = ["load"]

_ESTIMATORS = {kind.__name__: kind for kind in (AutoNASClassifier, AutoNASRegressor)}


def load(
    run_dir: str | Path, *, search_space: Any = None, storage: Any = None, device: str = "auto"
) -> AutoNASClassifier | AutoNASRegressor:
    """Get a fitted estimator back from its ``run_dir``, without the data.

    Nothing that the folder holds is executed: it holds tensors, JSON and an SQLite file. A run that was killed, or is
    still going on, gives an estimator that predicts by its best trial so far.

    Parameters
    ----------
    run_dir : str or Path
        The estimator's ``run_dir`` in ``fit``.
    search_space : NetworkFamily, str, Path or list of these, optional
        Only for a run with networks of your own: what you passed as ``search_space`` then. A run cannot hold their
        code.
    storage : str or optuna.storages.BaseStorage, optional
        The estimator's ``storage`` in ``fit``, if it had one.
    device : str, default="auto"
        Where to predict.

    Returns
    -------
    AutoNASClassifier or AutoNASRegressor
        With all attributes and methods of the one that was fitted; what a ``refit`` trained is not in the folder.
        Parameters that are objects, such as a scorer or a splitter, are back at their defaults.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or the run has come to no network yet.
    ValueError
        If the folder is damaged, of a later version, or the run has networks of your own and ``search_space`` does not
        say how to build them.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from autonas import AutoNASClassifier, load
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf = AutoNASClassifier(time_limit=None, n_trials=1, max_epochs=9, run_dir=folder).fit(X, y)
    ...     bool((load(folder).predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    folder = Path(run_dir).expanduser()
    snapshot = read_snapshot(folder)
    own = _own_families(snapshot, search_space, folder)
    history = read_history(folder, storage, snapshot.params.get("objectives") or ())
    chosen = SearchSpace(own, history.space, snapshot.blueprint.defaults)
    where = device_of(device)
    estimator = _ESTIMATORS[snapshot.estimator](**snapshot.params, run_dir=str(run_dir))
    estimator.storage = storage
    for name, value in snapshot.learnt.items():
        setattr(estimator, name, value)

    def member(stored: Member) -> Ensembled:
        return _member(stored, snapshot, folder, chosen.builds, where)

    estimator._take(
        Fitted(
            snapshot.schema,
            chosen,
            history,
            Ensemble([member(m) for m in snapshot.members], snapshot.temperature),
            losses_of(history),
            _metric(snapshot.metric, snapshot.learnt.get("classes_")),
            snapshot.blueprint.n_classes,
            snapshot.max_epochs,
            where,
            folder,
            snapshot.decision,
            snapshot.one_shot,
            snapshot.validated,
            snapshot.environment,
            snapshot.finished,
            [
                Assembled(Ensemble([member(on.member)], on.temperature), on.decision, objectives=on.objectives)
                for on in snapshot.front
            ],
        )
    )
    return estimator


def _own_families(snapshot: Snapshot, given: Any, folder: Path) -> tuple[NetworkFamily, ...]:
    sources = [given] if isinstance(given, (str, Path, NetworkFamily)) else given
    families = [load_family(source) for source in sources] if isinstance(sources, Sequence) else []
    own = tuple(family for family in families if family.build is not None)
    if missing := [name for name in snapshot.families if name not in {family.name for family in own}]:
        raise ValueError(
            f"The run in {str(folder)!r} has networks of your own, {missing}, and a run cannot hold their code: pass "
            "search_space=[...] with their families, as in fit."
        )
    return own


def _member(
    member: Member,
    snapshot: Snapshot,
    folder: Path,
    builds: Mapping[str, Callable[..., Any]],
    device: torch.device,
) -> Ensembled:
    on_all_rows, blueprint = member.scales is not None, snapshot.blueprint
    if member.scales is not None:
        blueprint = replace(blueprint, scales=member.scales)
    trial = trial_folder(folder / FOLDER if on_all_rows else folder, member.trial)
    try:
        weights = load_model(trial).weights
    except OSError as error:
        raise ValueError(f"The network in {str(trial)!r} cannot be read ({error}); copy the run anew.") from error
    networks = rebuild(blueprint, member.configuration, member.preprocessor, member.groups, weights, builds, device)
    return Ensembled(member.trial, member.weight, networks, member.temperature, on_all_rows)


def _metric(name: str, classes: npt.NDArray[Any] | None) -> Metric:
    try:
        return resolve_metric(name, classes)
    except ValueError:  # a scorer of the user's
        return Metric(name, lambda *_: np.nan)
