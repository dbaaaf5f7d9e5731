"""Judge search methods in seconds: a table of real trainings that comes with the library, so nothing is trained.

Every entry is an MLP, trained for nine epochs on scikit-learn's digits from three seeds; architecture and training are
searched together. To judge a method of your own: docs/add_a_sampler.md, then its name below.
"""

import numpy as np

from autonas.benchmarks import load_benchmark
from autonas.benchmarks.optimizers import Run, run

NAME = "autonas_mlp:digits"
SEEDS = range(10)
SPENT = 5, 10, 20  # full trainings

benchmark = load_benchmark(NAME)
print("One of its configurations:", first := dict(benchmark.space.get_default_configuration()))
for epochs in (1, 3, 9):
    print(f"  after {epochs} epochs", benchmark.objective(first, epochs))
print(f"Validation log loss of the best: {benchmark.optimum:.4f}, of the median: {benchmark.median:.4f}\n")

print(f"Regret (0: the best, 1: the median), mean of {len(SEEDS)} seeds, after full trainings")
print(f"{'optimizer':12s}" + "".join(f"{spent:>9d}" for spent in SPENT))
for optimizer in ("random", "bohb", "local_search"):
    curves = [run(Run(optimizer, NAME, seed, budget=max(SPENT)))["curve"] for seed in SEEDS]
    means = [np.mean([[1.0, *(r for at, r in curve if at <= spent)][-1] for curve in curves]) for spent in SPENT]
    print(f"{optimizer:12s}" + "".join(f"{mean:9.4f}" for mean in means))
