"""A network of the user's: it may draw from torch's global generators, and it is tried early."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from torch import nn

from autonas import AutoNASClassifier, NetworkFamily, load_space
from autonas.training.trial import Trainer
from autonas.training.validation import make_folds
from tests.training.tasks import make_task
from tests.training.test_trial import assert_same_files, configuration_of

X, Y = load_iris(return_X_y=True)


class Plain(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_in, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, n_out))

    def forward(self, numeric, categorical):
        return self.layers(numeric)


def build(configuration, input_spec, output_spec):
    return Plain(input_spec.n_numeric, output_spec.n_outputs)


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_a_run_with_dropout_of_torchs_own_is_reproducible(threads):
    family = NetworkFamily("own", load_space("linear"), build)
    predictions = []
    for _ in range(2):
        torch.rand(3)
        state = torch.get_rng_state()
        clf = AutoNASClassifier(
            search_space=[family], portfolio=None, time_limit=None, n_trials=3, max_epochs=9, random_state=0
        )
        predictions.append(clf.fit(X, Y).predict_proba(X))
        assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(*predictions)


def test_continued_equals_unbroken(tmp_path):
    task = make_task()
    folds = make_folds(2, None, task.target, classification=True, random_state=0)
    configuration = {**configuration_of(), "network": "own"}
    Trainer(task, folds, {"own": build}, max_epochs=9)(configuration, 9, seed=7, checkpoint=tmp_path / "whole")
    for epochs in (3, 9):
        torch.rand(epochs)
        Trainer(task, folds, {"own": build}, max_epochs=9)(
            configuration, epochs, seed=7, checkpoint=tmp_path / "pieces"
        )
    assert_same_files(tmp_path / "whole", tmp_path / "pieces")


def test_it_is_tried_before_the_portfolio():
    family = NetworkFamily("own", load_space("linear"), build)
    clf = AutoNASClassifier(
        search_space=["mlp", family], time_limit=None, n_trials=3, max_epochs=3, validation=3, random_state=0
    ).fit(X, Y)
    board = clf.leaderboard().set_index("trial").sort_index()
    assert board["network"].tolist() == ["mlp", "own", "mlp"]
    assert board["origin"].tolist() == ["default", "default", "portfolio"]
    assert "3 network(s)" in clf.show_models()
