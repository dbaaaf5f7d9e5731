from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from autonas.benchmarks import load_benchmark
from autonas.benchmarks.lcbench import lcbench
from autonas.spaces import values

KEYS = ("batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout")


@pytest.fixture(scope="module")
def benchmark(data_dir):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'autonas[onnx]'")
    return load_benchmark("lcbench:189906", data_dir)


def test_fidelities_are_trained_epochs(benchmark, data_dir):
    import onnxruntime

    folder = data_dir / "nasbench/yahpo/lcbench"
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    code = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]["189906"]
    for configuration in map(values, benchmark.space.sample_configuration(5)):
        for fidelity, epoch in ((1, 2), (16, 17), (50, 51)):
            row = np.array([[epoch, *(configuration[key] for key in KEYS)]], np.float32)
            seconds, accuracy = session.run(None, {"x_cat": np.array([[code]], np.int32), "x_cont": row})[0][0, :2]
            got = benchmark.objective(configuration, fidelity)
            assert got["loss"] == pytest.approx(1 - accuracy / 100, abs=1e-6)
            assert got["cost"] == pytest.approx(max(seconds, 0), rel=1e-4)


def test_the_estimates_hold(benchmark):
    regrets = [benchmark.regret(values(c)) for c in benchmark.space.sample_configuration(2000)]
    assert not benchmark.exact
    assert min(regrets) > 0
    assert 0.9 < np.median(regrets) <= 1
    assert 0.4 < np.mean(np.array(regrets) == 1) < 0.6


def test_epochs_that_no_network_was_trained_for_are_refused(benchmark):
    configuration = values(benchmark.space.get_default_configuration())
    for fidelity in (0, 51):
        with pytest.raises(ValueError, match=f"The fidelity is {fidelity}, but lcbench:189906 knows 1 to 50 epochs"):
            benchmark.objective(configuration, fidelity)


def test_onnxruntime_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "nasbench/yahpo/lcbench").mkdir(parents=True)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"pip install 'autonas\[onnx\]'"):
        lcbench("lcbench:3945", "3945", tmp_path)
