"""Where the time of a training step goes, against what the machine's matrix products could do."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autonas._names import check_names
from autonas.benchmarks._markdown import markdown_table, number
from autonas.benchmarks._runs import collect
from autonas.benchmarks._trainer import prepare
from autonas.benchmarks.candidates import candidates
from autonas.benchmarks.datasets import load_dataset

if TYPE_CHECKING:
    from autonas.benchmarks._trainer import Prepared
    from autonas.training.trial import Trainer

__all__ = ["GROUPS", "Run", "StepTimer", "markdown", "measure_steps", "peak", "ready_dataset", "run"]

DATASETS = ("california_housing", "adult", "satimage", "credit_g")
CONFIGURATIONS = ("realmlp_bins", "mlp_bins", "tabm_bins", "resnet_bins", "ft_transformer_bins", "linear_bins")
#: Where a step's time is counted: the first group one of whose words is in the operation's name.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "optimizer, average": ("_foreach", "_fused", "Optimizer"),
    "products": ("mm", "scaled_dot_product", "convolution"),
    "lookups": ("index", "embedding", "gather", "searchsorted", "scatter"),
    "autograd": ("Backward", "autograd", "AccumulateGrad"),
}
OTHER = "element by element"


@dataclass(frozen=True)
class Run:
    """What is run: steps of one configuration on one data set, on one core.

    Attributes
    ----------
    dataset : str
    configuration : str
        A name of :data:`~autonas.benchmarks.candidates.HAND_MADE`.
    steps : int
        Timed ones.
    """

    dataset: str
    configuration: str
    steps: int = 100


def peak() -> float:
    """Measure the multiplications and additions per second of a matrix product of a hidden layer's size, on one core.

    Returns
    -------
    float
        In units of 1e9.
    """
    import torch  # noqa: PLC0415  slow to import

    x, w = torch.randn(1, 256, 256), torch.randn(1, 256, 256)
    return 2 * 256**3 / _fastest(lambda: torch.bmm(x, w), 500) / 1e9


def _fastest(function: Callable[[], object], n: int) -> float:
    best = np.inf
    for _ in range(n):
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return float(best)


def run(what: Run, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Time the steps of a training, and look into some of them.

    Parameters
    ----------
    what : Run
    data_dir : str or Path, optional
        As for :func:`~autonas.benchmarks.datasets.load_dataset`.

    Returns
    -------
    dict
        ``milliseconds`` of a step, ``gigaflops`` (multiplications and additions of its matrix products per second, in
        units of 1e9), ``peak`` (the same of matrix products alone), ``shares`` of the time by :data:`GROUPS`,
        ``members`` of the stack, ``batch_size`` of each, ``estimate``: what the estimate behind the cost limit says.
    """
    import torch  # noqa: PLC0415  slow to import

    from autonas.networks.cost import multiply_adds, step_seconds  # noqa: PLC0415
    from autonas.portfolio import legal_in  # noqa: PLC0415
    from autonas.training.trial import one_thread  # noqa: PLC0415

    ready = ready_dataset(what.dataset, data_dir)
    trainer = ready.trainer
    given = next(c for label, c in candidates(0).items() if label.partition("@")[0] == what.configuration)
    configuration = legal_in(ready.chosen.space, given, {}, ready.chosen.defaults)
    if configuration is None:
        raise ValueError(f"The configuration {what.configuration!r} is not legal for {what.dataset!r}.")
    configuration = {**trainer.defaults, **configuration}
    with one_thread():
        stacks = trainer.make_stacks(configuration, 0)
        timer = StepTimer(stacks, configuration, trainer)
        timer(10)
        seconds = min(timer(what.steps) for _ in range(3)) / what.steps
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            timer(what.steps)
        fastest = peak()
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        group = next((g for g, words in GROUPS.items() if any(word in event.key for word in words)), OTHER)
        spent[group] += event.self_cpu_time_total
    total = sum(spent.values())
    shapes, stack = stacks[0].rows.shapes, stacks[0]
    batch = stack.rows_per_epoch / stack.n_batches
    products = sum(multiply_adds(s.network, *shapes, s.n_members) for s in stacks) * batch
    alone = trainer.build(configuration, trainer.side(configuration).preprocessor, 1, 0)
    return {
        "milliseconds": round(1e3 * seconds, 3),
        "gigaflops": round(6 * products / seconds / 1e9, 1),
        "peak": round(fastest, 1),
        "shares": {group: round(spent[group] / total, 3) for group in [*GROUPS, OTHER]},
        "members": sum(s.n_members for s in stacks),
        "batch_size": round(batch),
        "estimate": round(1e3 * step_seconds(alone, *shapes, stack.n_members, round(batch)), 3),
    }


@functools.lru_cache(maxsize=1)
def ready_dataset(dataset: str, data_dir: str | Path | None, validation: str | int = "auto") -> Prepared:
    """Load what a fit on 70 % of a data set would learn from, at most 20,000 rows, ready for any configuration."""
    return prepare(load_dataset(dataset, data_dir).sample(20_000, seed=0).split(seed=0)[0], validation=validation)


class StepTimer:
    """Make steps of a training without end; called with a number of steps, it gives the seconds that they took.

    Parameters
    ----------
    stacks : sequence of Stack
    configuration : mapping
    trainer : Trainer
        Made the stacks.
    """

    def __init__(self, stacks: Any, configuration: Mapping[str, Any], trainer: Trainer) -> None:
        from autonas.training.loop import Progress, train  # noqa: PLC0415  torch is slow to import

        self._made, self._wanted = 0, 0
        # As if it had been judged: what is timed are steps only.
        self._train = functools.partial(
            train,
            stacks,
            configuration,
            Progress(curve=[1.0], epochs=[0]),
            to_epoch=10**6,
            max_epochs=10**6,
            seed=0,
            loss=trainer.loss,
            classification=trainer.task.n_classes > 0,
            stop=self._stop,
        )

    def _stop(self) -> bool:
        self._made += 1
        return self._made > self._wanted

    def __call__(self, n: int) -> float:
        self._made, self._wanted = 0, n
        started = time.perf_counter()
        self._train()
        return time.perf_counter() - started


def measure_steps(
    out: str | Path,
    *,
    datasets: Sequence[str] = DATASETS,
    configurations: Sequence[str] = CONFIGURATIONS,
    steps: int = 100,
    data_dir: str | Path | None = None,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Time training steps of several configurations.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each run is appended as it ends; what is in it already is not run again.
    datasets : sequence of str
        Names of the data folder's ``index.json``.
    configurations : sequence of str
        Names of :data:`~autonas.benchmarks.candidates.HAND_MADE`.
    steps : int, default=100
        Timed ones of each.
    data_dir, only_read, say
        As for :func:`~autonas.benchmarks.optimizers.compare_optimizers`.

    Returns
    -------
    list of dict
        What each run is and what :func:`run` gave.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    known = [label.partition("@")[0] for label in candidates(0)]
    check_names("configuration", configurations, known)
    return collect(
        out,
        [Run(dataset, configuration, steps) for dataset in datasets for configuration in configurations],
        functools.partial(run, data_dir=data_dir),
        describe=lambda r: f"{r['milliseconds']:.2f} ms, {r['gigaflops']:.0f} of {r['peak']:.0f} GFLOP/s",
        only_read=only_read,
        say=say,
    )


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Write a table, one row a configuration and data set.

    Parameters
    ----------
    runs : sequence of mapping
        As of :func:`measure_steps`.

    Returns
    -------
    str
    """
    if not runs:
        return "No runs."
    groups = [*GROUPS, OTHER]
    rows = [
        [
            r["dataset"],
            r["configuration"],
            f"{r['members']} x {r['batch_size']}",
            number(r["milliseconds"], 2),
            number(r["estimate"], 2),
            number(r["gigaflops"], 0),
            f"{r['gigaflops'] / r['peak']:.0%}",
            *(f"{r['shares'][group]:.0%}" for group in groups),
        ]
        for r in runs
    ]
    header = ["data set", "configuration", "members x rows", "ms a step", "estimated", "GFLOP/s", "of peak", *groups]
    return markdown_table(header, rows)
