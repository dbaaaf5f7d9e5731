"""What a run_dir keeps so that its networks predict without the data: tensors and JSON, nothing that is executed."""

from __future__ import annotations

import json
import math
import os
import platform
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from autonas._assembling import Assembled, Validated
from autonas._plain import NotPlainError, pack, unpack
from autonas._two_stage import Comparison, OneShot, OneShotResult
from autonas._version import __version__
from autonas.networks.specs import ImageSpec, OutputSpec
from autonas.one_shot import Settings
from autonas.optimization import Result, RunHistory, Trial
from autonas.optimization.interfaces import says_disk_full
from autonas.spaces import values
from autonas.training.calibration import NEUTRAL, Temperature
from autonas.training.checkpoint import load_model
from autonas.training.columns import Column
from autonas.training.data import TableSchema
from autonas.training.ensemble import Ensembled
from autonas.training.image_preprocessing import ImagePreprocessor
from autonas.training.images import Images, ImageSchema
from autonas.training.preprocessing import AnyPreprocessor, Preprocessor, _RobustScaler
from autonas.training.restoring import Blueprint
from autonas.training.task import Scale
from autonas.training.thresholds import Decision
from autonas.training.trial import TrainedNetwork, Trainer

__all__ = ["FILE", "Keeper", "Member", "OnFront", "Snapshot", "environment_of", "read_snapshot"]

Array = npt.NDArray[Any]

#: The file in run_dir.
FILE = "fitted.safetensors"
_FORMAT, _ABOUT = 1, "autonas"


@dataclass(frozen=True)
class Member:
    """One trial of a stored ensemble; its weights are in the trial's own folder.

    Attributes
    ----------
    trial : int
    configuration : dict
    weight : float
        In the ensemble.
    temperature : Temperature
    preprocessor : Preprocessor or ImagePreprocessor
        Fitted.
    groups : list of int
        How many folds each stack of networks has.
    scales : list of Scale, optional
        The unit of its networks where they were trained on all rows, which is not that of a fold's; their weights are
        in a folder of their own then.
    """

    trial: int
    configuration: dict[str, Any]
    weight: float
    temperature: Temperature
    preprocessor: AnyPreprocessor
    groups: list[int]
    scales: list[Scale] | None = None

    @classmethod
    def of(cls, ensembled: Ensembled, configuration: dict[str, Any]) -> Member:
        """Describe a member of an ensemble."""
        networks = ensembled.networks
        groups = [len(stack.scales) for stack in networks]
        preprocessor = networks[0].preprocessor
        scales = [scale for stack in networks for scale in stack.scales] if ensembled.on_all_rows else None
        weight, temperature = ensembled.weight, ensembled.temperature
        return cls(ensembled.trial, configuration, weight, temperature, preprocessor, groups, scales)


@dataclass(frozen=True)
class OnFront:
    """A trial of the Pareto front that predicts by itself.

    Attributes
    ----------
    member : Member
    temperature : Temperature
    decision : Decision
    objectives : dict of str to float
    """

    member: Member
    temperature: Temperature
    decision: Decision
    objectives: dict[str, float]


@dataclass(frozen=True)
class Snapshot:
    """A fit as it is stored.

    Attributes
    ----------
    estimator : str
        The name of its class.
    params : dict
        Its parameters, but for those that are no plain data.
    learnt : dict
        Attributes that it learnt from the form of the data: ``classes_``, ``n_features_in_``, ``feature_names_in_``.
    schema : TableSchema or ImageSchema
    blueprint : Blueprint
    families : list of str
        Network families of the user's own, which a file cannot hold.
    max_epochs : int
    metric : str
    members : list of Member
    temperature : Temperature
        Of the ensemble.
    decision : Decision
    validated : Validated
    one_shot : OneShotResult or None
    finished : bool
        False where the search was still going on: the ensemble is the best trial by then.
    environment : dict
        What it was made with, and on.
    front : list of OnFront
    """

    estimator: str
    params: dict[str, Any]
    learnt: dict[str, Any]
    schema: TableSchema | ImageSchema
    blueprint: Blueprint
    families: list[str]
    max_epochs: int
    metric: str
    members: list[Member]
    temperature: Temperature
    decision: Decision
    validated: Validated
    one_shot: OneShotResult | None = None
    finished: bool = False
    environment: dict[str, Any] = field(default_factory=dict)
    front: list[OnFront] = field(default_factory=list)


_CLASSES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Blueprint,
        Column,
        Comparison,
        Decision,
        ImagePreprocessor,
        ImageSchema,
        ImageSpec,
        Member,
        OnFront,
        OneShot,
        OneShotResult,
        OutputSpec,
        Preprocessor,
        QuantileTransformer,
        Scale,
        Settings,
        Snapshot,
        StandardScaler,
        TableSchema,
        Temperature,
        Validated,
        _RobustScaler,
    )
}


class Keeper:
    """Writes a fit down: its best trial whenever there is a better one, and the ensemble in the end.

    Parameters
    ----------
    estimator : AutoNASClassifier or AutoNASRegressor
    schema : TableSchema or ImageSchema
        Fitted.
    trainer : Trainer
    families : sequence of str
        Of the user's own.
    run_dir : Path
    """

    def __init__(
        self,
        estimator: Any,
        schema: TableSchema | ImageSchema,
        trainer: Trainer,
        families: Sequence[str],
        run_dir: Path,
    ) -> None:
        self._trainer, self._run_dir, self._schema = trainer, run_dir, schema
        self._families = list(families)
        self._estimator = type(estimator).__name__
        self._params = _plain_params(estimator)
        names = ("classes_", "n_features_in_", "feature_names_in_")
        self._learnt = {name: vars(estimator)[name] for name in names if name in vars(estimator)}
        # A run that goes on keeps its ensemble until it has another.
        self._has_ensemble = _is_finished(run_dir)
        self._warned = False

    def improved(self, history: RunHistory, trial: Trial, result: Result) -> None:
        """Keep a trial if none was better; a callback of the search."""
        others = (r.loss for t in history.trials for r in t.results if r is not result)
        if self._has_ensemble or not math.isfinite(result.loss) or result.loss >= min(others, default=math.inf):
            return
        folder = self._run_dir / "trials" / f"{trial.number:05d}"
        networks = self._restored(trial, folder)
        self._keep(
            [Ensembled(trial.number, 1.0, networks)],
            {trial.number: values(trial.configuration)},
            NEUTRAL,
            Decision(np.ones(self._trainer.task.n_classes)),
            self._trainer.predictions(folder),
        )

    def finished(
        self,
        history: RunHistory,
        best: Assembled,
        front: Sequence[Assembled],
        one_shot: OneShotResult | None,
    ) -> None:
        """Keep the ensemble of the fit, what it says of the validation rows, and the Pareto front."""
        members = [member for made in (best, *front) for member in made.ensemble.members]
        configurations = {m.trial: values(history.trials[m.trial].configuration) for m in members}
        assert best.validated is not None
        self._keep(
            best.ensemble.members,
            configurations,
            best.ensemble.temperature,
            best.decision,
            best.validated.predictions,
            one_shot=one_shot,
            finished=True,
            front=[
                OnFront(
                    Member.of(made.ensemble.members[0], configurations[made.ensemble.members[0].trial]),
                    made.ensemble.temperature,
                    made.decision,
                    dict(made.objectives),
                )
                for made in front
            ],
        )

    def _restored(self, trial: Trial, folder: Path) -> list[TrainedNetwork]:
        return self._trainer.restore(values(trial.configuration), load_model(folder).weights)

    def _keep(
        self,
        members: Sequence[Ensembled],
        configurations: Mapping[int, dict[str, Any]],
        temperature: Temperature,
        decision: Decision,
        predictions: Array,
        **more: Any,
    ) -> None:
        trainer = self._trainer
        task = trainer.task
        snapshot = Snapshot(
            self._estimator,
            self._params,
            self._learnt,
            self._schema,
            Blueprint(
                isinstance(task.table, Images),
                task.cardinalities,
                task.n_classes,
                trainer.output_spec,
                trainer.scales,
                trainer.defaults,
            ),
            self._families,
            trainer.max_epochs,
            task.metric.name,
            [Member.of(member, configurations[member.trial]) for member in members],
            temperature,
            decision,
            Validated(trainer.valid_target, predictions, trainer.valid_weight),
            environment=environment_of(trainer.device),
            **more,
        )
        try:
            _write(self._run_dir / FILE, snapshot)
        except NotPlainError as error:
            self._warn(f"since {error} Keep the estimator by pickle instead")
        except (OSError, SafetensorError) as error:
            if not says_disk_full(error):
                raise
            self._warn("since the disk is full. Make room, and the same call of fit goes on from here")

    def _warn(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(f"The run in {str(self._run_dir)!r} cannot be loaded later, {why}.", stacklevel=4)


def read_snapshot(run_dir: Path) -> Snapshot:
    """Read what a :class:`Keeper` wrote.

    Parameters
    ----------
    run_dir : Path

    Returns
    -------
    Snapshot

    Raises
    ------
    FileNotFoundError
        If there is no run, or none that has come to a network.
    ValueError
        If the file is damaged, or of a later version.
    """
    path = run_dir / FILE
    if not path.exists():
        raise FileNotFoundError(_why_nothing(run_dir))
    try:
        with safe_open(path, framework="np") as file:
            plain = json.loads((file.metadata() or {})[_ABOUT])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        if plain["format"] != _FORMAT:
            raise ValueError(
                f"{str(path)!r} is of format {plain['format']}, and this version of AutoNAS reads {_FORMAT}: use the "
                f"version that wrote it ({plain['version']})."
            )
        snapshot = unpack(plain["fit"], arrays, _CLASSES)
    except (SafetensorError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{str(path)!r} is damaged ({error}); fit again with run_dir={str(run_dir)!r}.") from error
    if not isinstance(snapshot, Snapshot):
        raise ValueError(f"{str(path)!r} is damaged: it holds no fit; fit again with run_dir={str(run_dir)!r}.")  # noqa: TRY004
    return snapshot


def _why_nothing(run_dir: Path) -> str:
    if not run_dir.is_dir():
        return f"There is no folder {str(run_dir)!r} (looked in {Path.cwd()})."
    if not (run_dir / "fit.json").exists():
        return f"{str(run_dir)!r} is no run of AutoNAS: it has no fit.json. Pass what was run_dir in fit."
    return (
        f"The run in {str(run_dir)!r} has no network to predict with yet. Call fit with the same data and run_dir: it "
        "goes on where it stopped."
    )


def _is_finished(run_dir: Path) -> bool:
    try:
        return read_snapshot(run_dir).finished
    except (FileNotFoundError, ValueError):
        return False


def _write(path: Path, snapshot: Snapshot) -> None:
    plain, arrays = pack(snapshot, _CLASSES)
    about = {"format": _FORMAT, "version": __version__, "fit": plain}
    # First beside, then in its place: a run killed in between finds all of it or nothing.
    draft = path.with_suffix(".tmp")
    try:
        save_file(arrays, draft, metadata={_ABOUT: json.dumps(about)})
        os.replace(draft, path)  # noqa: PTH105 - as in checkpoint.py
    finally:
        draft.unlink(missing_ok=True)  # a piece of it, where the disk is full


def _plain_params(estimator: Any) -> dict[str, Any]:
    """Take the parameters that are plain data; a storage's URL may hold a password."""
    params = {}
    for name, value in estimator.get_params(deep=False).items():
        plain = str(value) if isinstance(value, Path) else value
        if name not in {"callbacks", "storage", "run_dir"} and _is_plain(plain):
            params[name] = plain
    return params


def _is_plain(value: Any) -> bool:
    try:
        pack(value, {"OneShot": OneShot, "Settings": Settings})
    except NotPlainError:
        return False
    return True


def environment_of(device: torch.device) -> dict[str, Any]:
    """Tell what this process computes with, and on."""
    return {
        "autonas": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "scikit-learn": str(sklearn.__version__),
        "numpy": str(np.__version__),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "device": str(device),
    }
