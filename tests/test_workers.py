"""The estimator with worker processes."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_iris

from autonas import AutoNASClassifier, NetworkFamily

X, Y = load_iris(return_X_y=True)
QUICK = {
    "time_limit": None,
    "n_trials": 4,
    "min_epochs": 3,
    "max_epochs": 9,
    "validation": "holdout",
    "random_state": 0,
    "optimizer": "random",
    "portfolio": None,
}

NETWORK = """
import os, torch

class Net(torch.nn.Module):
    def __init__(self, n_in, n_out, exits):
        super().__init__()
        self.layer = torch.nn.Linear(n_in, n_out)
        self.exits = exits

    def forward(self, numeric, categorical):
        if self.exits:
            os._exit(5)
        return self.layer(numeric)

def build(configuration, input_spec, output_spec):
    return Net(input_spec.n_numeric, output_spec.n_outputs, configuration["exits"])
"""
SPACE = """
build: fragile.py:build
hyperparameters:
  - {name: exits, type: categorical, choices: [false, true], default_value: false}
"""


def losses(estimator):
    return [[(r.fidelity, r.loss) for r in trial.results] for trial in estimator.history_.trials]


def test_each_trial_is_the_same_as_in_this_process(tmp_path):
    """With a network from a file of the user's, which takes its process down in some trials."""
    (tmp_path / "fragile.py").write_text(NETWORK)
    (tmp_path / "fragile.yaml").write_text(SPACE)
    good = {"search_space": {"network": ["mlp", "linear"]}, "pipeline": "tabular"}
    here = AutoNASClassifier(**{**QUICK, **good}).fit(X, Y)
    there = AutoNASClassifier(**{**QUICK, **good}, n_jobs=2).fit(X, Y)
    assert losses(there) == losses(here)
    assert (there.predict_proba(X) == here.predict_proba(X)).all()

    own = [{"network": "fragile", "fragile:exits": True}]
    space = [str(tmp_path / "fragile.yaml"), "mlp"]
    fitted = AutoNASClassifier(
        **{**QUICK, "n_trials": 2, "time_limit": 600},
        search_space=space,
        initial_configurations=own,
        trial_memory_limit=2000,
    ).fit(X, Y)
    assert fitted.failures()[["cause", "count"]].to_numpy().tolist() == [
        ["WorkerDied: the worker process ended by itself, with exit code 5", 1]
    ]
    assert fitted.history_.trials[0].configuration["network"] == "fragile"
    assert fitted.history_.trials[0].failure is None


@pytest.mark.slow
def test_a_network_of_a_script():
    """A function that no other process could import is sent as it is."""
    import torch

    from autonas import load_space

    def build(configuration, input_spec, output_spec):
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(input_spec.n_numeric, output_spec.n_outputs)

            def forward(self, numeric, categorical):
                return self.layer(numeric)

        return Net()

    family = NetworkFamily("own", load_space("linear"), build)
    fitted = AutoNASClassifier(**{**QUICK, "n_trials": 2}, search_space=family, n_jobs=2).fit(X, Y)
    assert not len(fitted.failures())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_jobs": 0}, "`n_jobs` is 0"),
        ({"trial_memory_limit": -1}, "`trial_memory_limit` is -1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        AutoNASClassifier(**QUICK, **arguments).fit(X, Y)
