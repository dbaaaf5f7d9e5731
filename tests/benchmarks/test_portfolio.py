"""Portfolios: collected, learnt, and judged where they were not learnt."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonas.__main__ import main
from autonas.benchmarks.candidates import BASE, HAND_MADE, RANGES, candidates
from autonas.benchmarks.portfolio import SHIPPED, Run, available_datasets, collect_portfolio, run
from autonas.benchmarks.portfolio_learning import judge, learn, random_regrets
from autonas.benchmarks.portfolio_scores import scores_of
from autonas.portfolio import load_portfolio
from autonas.presets import load_preset
from autonas.spaces import configuration_from, values

KNOWN = candidates(draws=4)
DEFAULT, *OTHERS = KNOWN


def made(losses, *, tests=None, features=None, failed=()):
    """Make up the runs of the first candidates: one row a candidate, the default first, one column a data set."""
    losses = np.asarray(losses, float)
    tests = losses if tests is None else np.asarray(tests, float)
    runs = []
    for (i, label), j in itertools.product(enumerate(list(KNOWN)[: len(losses)]), range(losses.shape[1])):
        fails = (i, j) in failed
        runs.append(
            {
                "dataset": f"set {j}",
                "candidate": label,
                "valid_loss": None if fails else losses[i, j],
                "test_loss": None if fails else tests[i, j],
                "failure": "diverged" if fails else None,
                "chance": 10.0,
                "features": {"rows": float(j) if features is None else features[j]},
                **({} if fails else {"seconds": 1.0 + i}),
            }
        )
    return runs


# ---------------------------------------------------------------------------- candidates


def test_candidates_are_complete_and_legal():
    space = load_preset("tabular").space()
    for configuration in candidates().values():
        assert values(configuration_from(space, configuration)) == configuration
    assert KNOWN[DEFAULT] == values(space.get_default_configuration())
    assert {c["network"] for c in KNOWN.values()} == set(load_preset("tabular").space()["network"].choices)


def test_all_that_is_named_exists():
    space = load_preset("tabular").space()
    for name, choices in [*RANGES.items(), *((n, (v,)) for c in (BASE, *HAND_MADE.values()) for n, v in c.items())]:
        for value in choices:
            # Where it is active: of its family.
            family = {"network": name.partition(":")[0]} if ":" in name else {}
            configuration_from(space, {**family, name: value})


def test_more_draws_leave_the_first_as_they_are():
    many = candidates(draws=9)
    assert list(many.items())[: len(KNOWN)] == list(KNOWN.items())
    assert len(many) == len(KNOWN) + 5
    assert list(candidates(draws=2, seed=1))[-1] not in many


# ---------------------------------------------------------------------------- collected


@pytest.mark.parametrize(("dataset", "chance"), [("pets", 0.7), ("prices", 100)])
def test_a_candidate_is_trained_and_judged(made_up, dataset, chance):
    label = next(label for label in KNOWN if label.startswith("mlp_plain"))
    one, again = (run(Run(dataset, label, max_epochs=27), KNOWN, made_up) for _ in range(2))
    assert one["failure"] is None
    assert one["valid_loss"] == min(one["curve"])
    assert one["test_loss"] < one["chance"]
    assert one["chance"] == pytest.approx(chance, rel=0.3)
    assert one["score"] > 0.3
    assert 1 <= one["best_epoch"] <= one["epochs"] == 27
    assert one["configuration"]["network"] == "mlp"
    assert one["features"]["regression"] == float(dataset == "prices")
    assert {**one, "seconds": 0} == {**again, "seconds": 0}


def test_the_limit_ends_a_training(made_up):
    result = run(Run("pets", DEFAULT, max_epochs=9, limit=1e-9), KNOWN, made_up)
    assert result["epochs"] < 9
    assert result["valid_loss"] > 0


def test_a_failure_is_a_result(made_up):
    known = {"wild": {"network": "mlp", "optimizer": "sgd", "sgd_learning_rate": 1.0, "gradient_clipping": "none"}}
    known["wild"] |= {"mlp:normalization": "none", "mlp:n_layers": 6, "momentum": 0.99, "scaling": "standard"}
    result = run(Run("prices", "wild", max_epochs=27), known, made_up)
    assert "in epoch" in result["failure"]
    assert result["valid_loss"] is result["test_loss"] is result["score"] is None


def test_large_sets_are_sampled(made_up):
    small = run(Run("pets", DEFAULT, max_rows=40, max_epochs=1), KNOWN, made_up)
    assert small["features"]["rows"] == pytest.approx(math.log(28), abs=0.01)


@pytest.mark.parametrize("name", SHIPPED)
def test_scikit_learns_sets_are_there(name, made_up):
    assert available_datasets(made_up) == ["pets", "prices", *SHIPPED]
    result = run(Run(name, DEFAULT, max_rows=100, max_epochs=1), KNOWN, made_up)
    assert result["features"]["regression"] == float(name == "diabetes")


def test_the_first_candidate_goes_over_all_sets_first(made_up, tmp_path):
    options = {"datasets": ["pets", "prices"], "draws": 0, "max_epochs": 1, "data_dir": made_up, "say": lambda _: None}
    runs = collect_portfolio(tmp_path / "p.jsonl", only=2, **options)
    first, second = list(candidates(0))[:2]
    assert [(r["candidate"], r["dataset"]) for r in runs] == [
        (label, dataset) for label in (first, second) for dataset in ("pets", "prices")
    ]
    assert collect_portfolio(tmp_path / "p.jsonl", only=2, **options) == runs
    assert collect_portfolio(tmp_path / "p.jsonl", only_read=True, **options) == runs
    with pytest.raises(ValueError, match="Unknown data set 'pet'; did you mean 'pets'"):
        collect_portfolio(tmp_path / "p.jsonl", **{**options, "datasets": ["pet"]})


# ---------------------------------------------------------------------------- scores


def test_losses_are_in_units_of_the_data_set():
    scores = scores_of(made([[3.0], [1.0], [2.0], [5.0], [9.0]]), KNOWN)
    # The best is 1, the median 3.
    assert scores.default_valid.tolist() == [1.0]
    assert scores.valid[:, 0].tolist() == [0.0, 0.5, 2.0, 4.0]
    assert scores.losses[:, 0].tolist() == [0.0, 0.5, 1.0, 1.0]
    assert scores.costs.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert scores.labels == tuple(OTHERS[:4])


def test_where_candidates_hardly_differ_they_count_less():
    # A hundredth of the way from knowing nothing, 10, to the best.
    scores = scores_of(made([[1.09], [1.0], [1.18]]), KNOWN)
    assert scores.default_valid == pytest.approx([0.5])


def test_failures_are_the_worst():
    scores = scores_of(made([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]], failed={(1, 0), (2, 0)}), KNOWN)
    assert scores.valid[:, 0].tolist() == [math.inf, math.inf]
    assert scores.losses[:, 0].tolist() == [1.0, 1.0]
    assert np.isfinite(scores.valid[:, 1]).all()
    # Where the default failed there is no start.
    assert scores_of(made([[3.0, 1.0], [1.0, 2.0]], failed={(0, 0)}), KNOWN).datasets == ("set 1",)


def test_what_was_not_run_everywhere_is_left_out():
    runs = made([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    assert scores_of(runs[:-1], KNOWN).labels == tuple(OTHERS[:1])
    with pytest.raises(ValueError, match="There is no result of the preset's default"):
        scores_of(runs[2:], KNOWN)


# ---------------------------------------------------------------------------- learnt


def test_a_portfolio_is_learnt_from_what_complements():
    # The best is 1, and the median 5, on each set.
    losses = [[5, 5, 5, 5], [1, 9, 9, 9], [3, 1, 1, 9], [5, 3, 1, 9], [9, 9, 9, 5], [9, 9, 9, 1], [5, 5, 5, 5]]
    learnt = learn(scores_of(made(losses), KNOWN))
    assert learnt.gains == pytest.approx([2.5 / 4, 1 / 4, 0.5 / 4])
    assert [list(KNOWN)[1 + place] for place in learnt.places] == [OTHERS[1], OTHERS[4], OTHERS[0]]
    assert sum(learnt.gains) == pytest.approx(learnt_from(learnt).mean(), abs=1e-9)
    assert learnt.portfolio.bandwidth == math.inf  # too few data sets
    assert len(learn(scores_of(made(losses), KNOWN), size=2).places) == 2
    for configuration, place in zip(learnt.portfolio.configurations, learnt.places, strict=True):
        complete = KNOWN[OTHERS[place]]
        assert {key: {**BASE, **configuration}[key] for key in complete} == complete


def learnt_from(learnt):
    """By how much the whole portfolio lowers the loss of each data set."""
    sets = learnt.portfolio.learnt_on
    return np.array([dataset.default - min([dataset.default, *dataset.losses]) for dataset in sets])


def similar_sets(seed=0, n=12):
    """Two kinds of data sets, told apart by their feature; a candidate that is good on one kind is bad on the other."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(n) % 2
    losses = np.full((8, n), 5.0) + rng.random((8, n))
    losses[2, kinds == 0] = losses[3, kinds == 1] = 1.0
    losses[4] = 2.9  # good everywhere, and the first choice where nothing is known
    return losses, kinds * 4.0 + rng.random(n)


def test_features_decide_where_they_tell():
    losses, features = similar_sets()
    scores = scores_of(made(losses, features=features.tolist()), KNOWN)
    learnt = learn(scores)
    assert learnt.portfolio.bandwidth < math.inf
    assert learnt.areas[learnt.portfolio.bandwidth] == min(learnt.areas.values()) < learnt.areas[math.inf]
    for j, feature in enumerate(features):
        assert learnt.order({"rows": feature})[0] == 1 + j % 2  # the default is no candidate
    tables = judge(scores)
    assert tables["features"][1].mean() < tables["static"][1].mean() < tables["random"][1].mean()
    assert (tables["features"][2] == 0).all()


def test_features_that_tell_nothing_decide_nothing():
    losses, features = similar_sets()
    shuffled = np.random.default_rng(1).permutation(features)
    same = learn(scores_of(made(losses, features=[1.0] * len(features)), KNOWN))
    assert same.portfolio.bandwidth == math.inf
    told = judge(scores_of(made(losses, features=features.tolist()), KNOWN))["features"]
    untold = judge(scores_of(made(losses, features=shuffled.tolist()), KNOWN))["features"]
    assert told.loc[:, 1:].mean(axis=None) < untold.loc[:, 1:].mean(axis=None)


# ---------------------------------------------------------------------------- judged


def test_what_is_judged_was_not_learnt_on():
    """The one good candidate of a data set is bad on all others: nobody could know it."""
    losses = np.full((6, 6), 5.0) + np.arange(6)[:, None] / 10
    losses[2] = 1.0
    losses[3, 0] = 0.0
    losses[2, 0] = 9.0
    scores = scores_of(made(losses), KNOWN)
    tables = judge(scores)
    assert 2 in learn(scores).places
    assert tables["static"].loc["set 0"].min() > 0
    assert tables["features"].loc["set 0"].min() > 0
    assert (tables["static"].loc["set 1":, 1] == 0).all()


def test_how_much_similarity_counts_is_chosen_on_sets_left_out():
    """Each data set has one good candidate, and no other has use for it."""
    losses = np.full((7, 6), 5.0)
    losses[np.arange(1, 7), np.arange(6)] = 1.0
    learnt = learn(scores_of(made(losses), KNOWN))
    assert len(learnt.places) == 6
    assert set(learnt.areas.values()) == {1.0}
    assert learnt.portfolio.bandwidth == math.inf


@given(st.integers(0, 100), st.integers(0, 5))
def test_the_order_for_a_data_set_does_not_depend_on_its_losses(seed, left_out):
    rng = np.random.default_rng(seed)
    losses = rng.random((6, 6))
    changed = losses.copy()
    changed[:, left_out] = rng.random(6)
    orders = []
    for table in (losses, changed):
        scores = scores_of(made(table), KNOWN)
        learnt = learn(scores.without(left_out))
        assert [d.name for d in learnt.portfolio.learnt_on] == [f"set {j}" for j in range(6) if j != left_out]
        orders.append((learnt.order(scores.features[left_out]), learnt.portfolio))
    assert orders[0] == orders[1]


def test_the_incumbent_is_chosen_by_validation_and_judged_by_test():
    valid, tests = np.tile([[3.0], [1.0], [2.0]], 4), np.tile([[3.0], [1.0], [2.0]], 4)
    tests[:, 0] = [1.0, 3.0, 2.0]  # what looks best is worst
    tables = judge(scores_of(made(valid, tests=tests), KNOWN))
    assert tables["static"].loc["set 0", [0, 1, 2]].tolist() == [0, 1, 1]
    assert tables["static"].loc["set 1", [0, 1, 2]].tolist() == [1, 0, 0]
    assert tables["random"].loc["set 0", [0, 1, 2]].tolist() == [0, 1, 1]
    assert tables["random"].loc["set 1", [0, 1, 2]].tolist() == [1, 0.5, 0]


@given(st.integers(0, 1000), st.integers(1, 5))
def test_random_regrets_are_means_over_all_orders(seed, n):
    rng = np.random.default_rng(seed)
    valid, test = rng.integers(0, 4, n) + np.arange(n) / 100, rng.random(n)
    default_valid, default_test = 2.0, 0.5
    sums = np.zeros(n + 1)
    orders = list(itertools.permutations(range(n)))
    for order in orders:
        best, regret = default_valid, default_test
        sums[0] += regret
        for k, place in enumerate(order, 1):
            if valid[place] < best:
                best, regret = valid[place], test[place]
            sums[k] += regret
    np.testing.assert_allclose(random_regrets(valid, test, default_valid, default_test), sums / len(orders))


# ---------------------------------------------------------------------------- the command line


def test_collect_learn_judge(made_up, tmp_path, capsys):
    out, file = tmp_path / "p.jsonl", tmp_path / "portfolio.yaml"
    options = ["--data-dir", str(made_up), "--out", str(out), "--datasets", "pets", "prices", "--max-epochs", "3"]
    options += ["--draws", "0", "--only", "3"]
    assert main(["benchmark", "portfolio", "collect", *options]) == 0
    assert capsys.readouterr().out == f"6 runs are in {out}, of which 0 failed.\n"
    assert main(["benchmark", "portfolio", "learn", *options, "--file", str(file), "--size", "2"]) == 0
    assert "| step | 2 data sets, 2 candidates | gain |" in capsys.readouterr().out
    text = file.read_text()
    assert [d.name for d in load_portfolio(file).learnt_on] == ["pets", "prices"]
    assert main(["benchmark", "portfolio", "learn", *options, "--file", str(file), "--size", "2"]) == 0
    assert file.read_text() == text
    assert main(["benchmark", "portfolio", "judge", *options]) == 0
    assert "| mean regret, 2 data sets | 0 | 1 | 2 | 4 | 8 | 16 |" in capsys.readouterr().out
    assert main(["benchmark", "portfolio", "judge", *options, "--max-rows", "50"]) == 2
    assert "There is no result of the preset's default" in capsys.readouterr().err
