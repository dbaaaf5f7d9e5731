"""One-shot search: train one supernet for a while, and name the best cells."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from autonas._names import unknown_name
from autonas.networks import OutputSpec
from autonas.networks.cells import CellSpace, Edge
from autonas.networks.cost import saved_bytes
from autonas.networks.specs import ImageSpec, InputSpec
from autonas.one_shot.darts import Darts, SecondOrderDarts
from autonas.one_shot.darts_pt import DartsPt
from autonas.one_shot.data import Sample
from autonas.one_shot.enas import Enas
from autonas.one_shot.gdas import Gdas
from autonas.one_shot.path_dropout import PathDropout
from autonas.one_shot.random_sharing import RandomSharing
from autonas.one_shot.robust_darts import RobustDarts
from autonas.one_shot.strategy import Settings, Strategy, n_skips
from autonas.one_shot.supernet import Supernet
from autonas.training.stack import OfImages

__all__ = ["STRATEGIES", "Found", "find_architectures"]

STRATEGIES: dict[str, type[Strategy]] = {
    "darts": Darts,
    "darts_second_order": SecondOrderDarts,
    "robust_darts": RobustDarts,
    "darts_pt": DartsPt,
    "gdas": Gdas,
    "enas": Enas,
    "random_sharing": RandomSharing,
    "path_dropout": PathDropout,
}
"""Name to strategy."""

#: With partial channels one part in so many is computed.
PARTIAL = 4
#: Share of the time limit for training the supernet; the rest is for judging architectures by its weights.
TRAINING_SHARE = 0.85
#: Epochs of a search that has a time limit, at most.
MAX_EPOCHS = 50


@dataclass
class Found:
    """What a one-shot search came to.

    Attributes
    ----------
    genotypes : list of dict of Edge to str
        The best cells, the best first.
    strategy : str
        A name of :data:`STRATEGIES`.
    seconds : float
        Of the whole search.
    record : list of dict
        One entry an epoch: ``epoch``, ``loss`` on the rows for the weights, ``entropy`` of the operations'
        probabilities (in units of that of none preferred; where the strategy has any), ``skips``: skip connections of
        the cell that would be chosen without guards, and what the strategy adds.
    activation_bytes : int
        Memory that a step keeps for its gradients, for each row of a batch, of the whole supernet; of one path where
        the strategy computes one at a time.
    """

    genotypes: list[dict[Edge, str]]
    strategy: str
    seconds: float = 0.0
    record: list[dict[str, float]] = field(default_factory=list)
    activation_bytes: int = 0


def find_architectures(
    space: CellSpace,
    configuration: Mapping[str, Any],
    specs: tuple[InputSpec | ImageSpec, OutputSpec],
    learn: Sample,
    judge: Sample,
    *,
    strategy: str = "darts",
    epochs: int | None = None,
    time_limit: float | None = None,
    n_architectures: int = 3,
    settings: Settings | None = None,
    partial_channels: int = 1,
    seed: int = 0,
    device: torch.device | str = "cpu",
    stop: Callable[[], bool] = lambda: False,
) -> Found:
    """Search the cells of a space by weight sharing.

    Parameters
    ----------
    space : CellSpace
        Of a family.
    configuration : mapping
        The rest of the family's hyperparameters, without prefix: width, number of cells.
    specs : tuple of InputSpec or ImageSpec, and OutputSpec
        What goes in and what comes out.
    learn, judge : Sample
        Rows for the weights, and for the architecture; they should have none in common, nor with what the found
        network will be judged by.
    strategy : str, default="darts"
        A name of :data:`STRATEGIES`.
    epochs : int, optional
        Passes over ``learn``. By default as many as the time limit allows, at most 50; learning rates then fall with
        the time.
    time_limit : float, optional
        Seconds; whatever ``epochs`` says.
    n_architectures : int, default=3
        So many are named.
    settings : Settings, optional
        How the supernet is trained, and the guards.
    partial_channels : int, default=1
        With 4, a quarter of the channels is computed by the operations: PC-DARTS.
    seed : int, default=0
        Without a time limit the same seed finds the same.
    device : torch.device or str, default="cpu"
    stop : callable, optional
        True ends the search like the time limit.

    Returns
    -------
    Found

    Raises
    ------
    ValueError
        For an unknown strategy, or without any limit.

    Notes
    -----
    The guards against cells that are all skip connections (at most ``settings.max_skips`` of them, and something that
    learns between input and output) act when cells are chosen. They are after Liang et al. 2019, "DARTS+".
    """
    started = time.monotonic()
    if strategy not in STRATEGIES:
        raise unknown_name("one-shot strategy", strategy, STRATEGIES)
    if epochs is None and time_limit is None:
        raise ValueError("epochs=None and time_limit=None: nothing would end the search; give at least one of them.")
    settings = settings or Settings()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        supernet = Supernet(space, configuration, *specs, partial=partial_channels)
    supernet.network.to(device).train()
    rng = np.random.default_rng(seed)
    chosen = STRATEGIES[strategy](supernet, settings, rng)
    deadline = math.inf if time_limit is None else started + time_limit
    found = Found([], strategy)
    training_ends = math.inf if time_limit is None else started + TRAINING_SHARE * time_limit
    clock = _Clock(learn.steps(settings.batch_size), epochs, training_ends, stop)
    for epoch in range(MAX_EPOCHS if epochs is None else epochs):
        supernet.draw_noise((seed, epoch))
        losses = []
        batches = zip(learn.batches(settings.batch_size, rng), _forever(judge, settings.batch_size, rng), strict=False)
        for rows, other in batches:
            losses.append(chosen.step(rows, other, clock.progress))
            if clock.tick():
                break
        found.record.append({"epoch": epoch + 1, "loss": float(np.mean(losses)), **_look(chosen)})
        if not clock.over:
            found.record[-1] |= chosen.end_epoch(judge)
        if clock.over or clock.progress >= 1 or found.record[-1].get("stop"):
            break
    found.activation_bytes = _activation_bytes(supernet, learn)
    found.genotypes = chosen.best(n_architectures, judge, lambda: time.monotonic() > deadline)
    found.seconds = time.monotonic() - started
    return found


class _Clock:
    """How much of the search is over: by its epochs, or where their number is open by the time."""

    def __init__(self, steps: int, epochs: int | None, deadline: float, stop: Callable[[], bool]) -> None:
        self.started, self.deadline, self.stop = time.monotonic(), deadline, stop
        self.total, self.by_time = steps * (MAX_EPOCHS if epochs is None else epochs), epochs is None
        self.done, self.over, self.progress = 0, False, 0.0

    def tick(self) -> bool:
        """Count a step, and say whether the search is over."""
        self.done += 1
        now = time.monotonic()
        self.over = now >= self.deadline or self.stop()
        self.progress = self.done / self.total
        if self.by_time:
            self.progress = max(self.progress, (now - self.started) / max(self.deadline - self.started, 1e-9))
        return self.over


def _forever(sample: Sample, batch_size: int, rng: np.random.Generator) -> Any:
    while True:
        yield from sample.batches(batch_size, rng)


def _look(strategy: Strategy) -> dict[str, float]:
    scores = strategy.scores()
    if scores is None:
        return {}
    shares = [s / s.sum() for s in scores.values()]
    entropy = float(np.mean([-(p * np.log(np.maximum(p, 1e-12))).sum() / math.log(len(p)) for p in shares]))
    return {"entropy": entropy, "skips": n_skips(strategy.space.discretize(scores))}


def _activation_bytes(supernet: Supernet, learn: Sample) -> int:
    """Count by the gates as the last step left them."""
    if learn.axis:
        numeric, categorical = (t.shape[2] for t in learn.inputs)
        return saved_bytes(supernet.network, numeric, categorical, 1)
    return saved_bytes(OfImages(supernet.network), tuple(learn.inputs[0].shape[1:]), 0)
