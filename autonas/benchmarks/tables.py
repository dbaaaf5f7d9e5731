"""The benchmarks by name: real measurements, so a search takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from autonas._names import unknown_name
from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.grids import fcnet, hpobench_mlp, nasbench201
from autonas.benchmarks.lcbench import TASKS, lcbench
from autonas.benchmarks.mlp_digits import mlp_digits
from autonas.benchmarks.natsbench import DATASETS

__all__ = ["DEFAULT_BENCHMARKS", "SHIPPED", "TABLES", "load_benchmark"]

TABLES: Mapping[str, Callable[[str, str, str | Path | None], Benchmark]] = MappingProxyType(
    {
        **{f"nasbench201:{name}": nasbench201 for name in DATASETS},
        **{f"hpobench_mlp:{name}": hpobench_mlp for name in ("australian", "car", "phoneme", "vehicle")},
        **{f"fcnet:{name}": fcnet for name in ("parkinsons_telemonitoring", "slice_localization")},
        **{f"lcbench:{task}": lcbench for task in TASKS},
        "autonas_mlp:digits": mlp_digits,
    }
)
"""Name to what loads it: ``load(name, instance, data_dir)``. The tables of NAS-Bench-201 other than CIFAR-10's are made
by :func:`~autonas.benchmarks.nats_bench_table`."""

SHIPPED = frozenset({"autonas_mlp:digits"})
"""Those that are part of the package, and need no data folder."""

DEFAULT_BENCHMARKS = (
    "lcbench:126026",
    "lcbench:167190",
    "lcbench:168330",
    "lcbench:189906",
    "fcnet:slice_localization",
    "hpobench_mlp:australian",
    "hpobench_mlp:phoneme",
    "nasbench201:cifar10",
)


def load_benchmark(name: str, data_dir: str | Path | None = None) -> Benchmark:
    """Load a benchmark.

    Parameters
    ----------
    name : str
        ``"family:instance"``; :data:`TABLES` has them all.
    data_dir : str or Path, optional
        The folder that holds ``nasbench/``; by default what the environment variable ``AUTONAS_DATA`` says.
        Those of :data:`SHIPPED` need none.

    Returns
    -------
    Benchmark

    Raises
    ------
    ValueError
        If the name is unknown.
    FileNotFoundError
        If its file is not there.
    ImportError
        For LCBench, if onnxruntime is not installed.

    Examples
    --------
    >>> from autonas import search
    >>> benchmark = load_benchmark("autonas_mlp:digits")
    >>> history = search(benchmark.objective, benchmark.space, max_fidelity=benchmark.max_fidelity, n_trials=40)
    >>> 0 <= benchmark.regret(history.best.configuration) <= 1
    True
    """
    if name not in TABLES:
        raise unknown_name("benchmark", name, TABLES)
    _, _, instance = name.partition(":")
    return TABLES[name](name, instance, data_dir)
