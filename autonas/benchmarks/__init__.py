"""Benchmarks: search problems with known answers, and the measurements behind ``docs/benchmarks.md``."""

from autonas.benchmarks.benchmark import Benchmark
from autonas.benchmarks.mlp_digits import mlp_digits_table
from autonas.benchmarks.natsbench import nats_bench, nats_bench_table
from autonas.benchmarks.tables import DEFAULT_BENCHMARKS, TABLES, load_benchmark

__all__ = [
    "DEFAULT_BENCHMARKS",
    "TABLES",
    "Benchmark",
    "load_benchmark",
    "mlp_digits_table",
    "nats_bench",
    "nats_bench_table",
]
