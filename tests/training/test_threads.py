"""Pieces of work side by side: in their order, and what they give does not depend on how many threads there are."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer

from autonas import AutoNASClassifier
from autonas.training.threads import side_by_side


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_each_piece_has_one_of_torchs_threads_and_its_place(threads, n_threads):
    threads(n_threads)
    seen = side_by_side(lambda piece: (piece, torch.get_num_threads(), threading.get_ident()), range(20))
    assert [piece for piece, *_ in seen] == list(range(20))
    assert {n for _, n, _ in seen} == {1}
    assert len({ident for *_, ident in seen}) <= n_threads
    assert torch.get_num_threads() == n_threads


def test_an_error_is_raised_and_the_threads_are_given_back(threads):
    threads(2)
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda piece: 1 / piece, [2, 1, 0])
    assert torch.get_num_threads() == 2
    assert side_by_side(abs, []) == []


@pytest.mark.parametrize("train_on_all", [True, False])
def test_a_prediction_depends_on_neither_the_threads_nor_the_company(threads, train_on_all):
    X, y = load_breast_cancer(return_X_y=True)
    clf = AutoNASClassifier(
        time_limit=None, n_trials=2, max_epochs=3, validation=3, train_on_all=train_on_all, random_state=0
    ).fit(X, y)
    many = np.resize(X, (2_500, X.shape[1]))
    predicted = []
    for n_threads in (1, 2, 3):
        threads(n_threads)
        predicted.append(clf.predict_proba(many))
        np.testing.assert_array_equal(predicted[0], predicted[-1])
        for n in (1, 63, 300, 700, 1_500):
            np.testing.assert_array_equal(clf.predict_proba(many[:n]), predicted[0][:n])
