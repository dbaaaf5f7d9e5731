"""TensorBoard and MLflow are told of every trial."""

from __future__ import annotations

import pickle
import sys

import pytest
from ConfigSpace import ConfigurationSpace
from sklearn.base import clone
from sklearn.datasets import load_iris

from autonas import AutoNASClassifier, search
from autonas.loggers import MLflowLogger, TensorBoardLogger

SPACE = ConfigurationSpace({"x": (-2.0, 2.0), "mlp:kind": ["a", "b"]}, seed=0)


def objective(configuration, fidelity):
    if configuration["mlp:kind"] == "b":
        raise RuntimeError("no b today")
    epochs = list(range(1, fidelity + 1))
    curve = [configuration["x"] ** 2 + 1 / e for e in epochs]
    return {"loss": min(curve), "curve": curve, "curve_epochs": epochs}


def run(logger, **changes):
    return search(
        objective, SPACE, **{"max_fidelity": 9, "n_trials": 8, "random_state": 0, **changes}, callbacks=[logger]
    )


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def test_tensorboard(tmp_path):
    logger = TensorBoardLogger(tmp_path)
    history = run(logger)
    logger.close()
    trials = [trial for trial in history.trials if trial.results]
    best = events(tmp_path).Scalars("search/best_loss")
    assert best[-1].value == pytest.approx(history.best_loss)
    assert best[-1].step == sum(len(trial.results) for trial in trials)
    for trial in trials:
        told = events(tmp_path / f"trial_{trial.number:05d}")
        assert "_hparams_/session_start_info" in told.Tags()["scalars"] or told.summary_metadata
        if trial.failure is None:
            curve = told.Scalars("validation_loss")
            assert [e.step for e in curve] == list(range(1, trial.fidelity + 1))  # each epoch once
            assert curve[-1].value == pytest.approx(objective(dict(trial.configuration), trial.fidelity)["curve"][-1])
        else:
            assert "failure/text_summary" in told.Tags()["tensors"]


@pytest.fixture
def mlflow_uri(tmp_path):
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, about MLflow
def test_mlflow(mlflow_uri):
    from mlflow import MlflowClient

    with MLflowLogger("tests", tracking_uri=mlflow_uri, run_name="eight trials") as logger:
        history = run(logger)
    client = MlflowClient(mlflow_uri)
    experiment = client.get_experiment_by_name("tests").experiment_id
    runs = {r.info.run_name: r for r in client.search_runs([experiment])}
    whole = runs.pop("eight trials")
    assert (whole.info.run_id, whole.info.status) == (logger.run_id, "FINISHED")
    assert whole.data.metrics["best_loss"] == pytest.approx(history.best_loss)
    trials = [trial for trial in history.trials if trial.results]
    assert set(runs) == {f"trial {trial.number}" for trial in trials}
    for trial in trials:
        logged = runs[f"trial {trial.number}"]
        assert logged.data.tags["mlflow.parentRunId"] == logger.run_id
        assert logged.data.params["mlp.kind"] == trial.configuration["mlp:kind"]
        if trial.failure is None:
            curve = client.get_metric_history(logged.info.run_id, "validation_loss")
            assert sorted(point.step for point in curve) == list(range(1, trial.fidelity + 1))
            assert logged.info.status == "FINISHED"
        else:
            assert logged.info.status == "FAILED"
            assert "no b today" in logged.data.tags["autonas.failure"]


def test_with_an_estimator(tmp_path):
    logger = TensorBoardLogger(tmp_path)
    settings = {"time_limit": None, "n_trials": 2, "max_epochs": 3, "portfolio": None, "random_state": 0}
    clf = AutoNASClassifier(**settings, callbacks=[logger]).fit(*load_iris(return_X_y=True))
    assert clone(clf).callbacks[0].folder == pickle.loads(pickle.dumps(clf)).callbacks[0].folder == tmp_path
    logger.close()
    (first, *_) = clf.history_.trials
    curve = events(tmp_path / "trial_00000").Scalars("validation_loss")
    assert [e.value for e in curve] == pytest.approx(first.results[-1].info["curve"])


@pytest.mark.parametrize(
    ("logger", "module"), [(TensorBoardLogger, "torch.utils.tensorboard"), (MLflowLogger, "mlflow")]
)
def test_without_the_package(logger, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install 'autonas\[loggers\]'"):
        logger("anywhere")
