"""What all weight-sharing strategies have: a supernet, the steps of its weights, and a way to say what is good."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from autonas.networks.cells import SKIP, Edge, Genotype
from autonas.one_shot.data import Batch, Sample, criterion
from autonas.one_shot.supernet import Supernet

__all__ = ["Late", "Settings", "Strategy", "WithAlphas", "n_skips", "never"]

Late = Callable[[], bool]


def never() -> bool:
    """Say that it is not late."""
    return False


@dataclass(frozen=True)
class Settings:
    """How a supernet is trained.

    Attributes
    ----------
    learning_rate, momentum, weight_decay : float
        Of SGD on the shared weights; the rate falls to a fortieth along a cosine.
    gradient_clipping : float
        Longest gradient of the shared weights that is not shortened.
    architecture_learning_rate, architecture_weight_decay : float
        Of Adam on what decides about the architecture.
    warm_up : float
        Share of the search, from its start, in which DARTS and its kin train the shared weights only. Operations with
        weights have nothing to show until these are trained, so that alphas would drift to pooling and skips (Xu et
        al. 2020, "PC-DARTS", section 4.1: 15 of 50 epochs).
    batch_size : int
    max_skips : int or None
        Skip connections that a found cell has at most; None: no guard.
    n_judged : int
        Architectures that are drawn and judged by the shared weights in the end, by strategies that do so.
    """

    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 3e-4
    gradient_clipping: float = 5.0
    architecture_learning_rate: float = 1e-2
    architecture_weight_decay: float = 1e-3
    warm_up: float = 0.3
    batch_size: int = 64
    max_skips: int | None = 2
    n_judged: int = 60

    def changed(self, **changes: object) -> Settings:
        """Make a copy with other values."""
        return replace(self, **changes)  # type: ignore[arg-type]


class Strategy(ABC):
    """Train the weights that all architectures share, and find out which architecture is good.

    Parameters
    ----------
    supernet : Supernet
    settings : Settings
    rng : numpy.random.Generator
        Whatever is drawn, is drawn from it.
    """

    def __init__(self, supernet: Supernet, settings: Settings, rng: np.random.Generator) -> None:
        self.supernet, self.settings, self.rng = supernet, settings, rng
        self.space = supernet.space
        self.optimizer = torch.optim.SGD(
            supernet.weights,
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )

    @abstractmethod
    def step(self, learn: Batch, judge: Batch, progress: float) -> float:
        """Make a step of the weights, and of the architecture if the strategy learns one.

        Parameters
        ----------
        learn, judge : Batch
            Rows for the weights, and rows for the architecture.
        progress : float
            Share of the search that is over.

        Returns
        -------
        float
            The loss on ``learn``.
        """

    @abstractmethod
    def best(self, n: int, judge: Sample, late: Late = never) -> list[dict[Edge, str]]:
        """Name the best architectures, the best first.

        Parameters
        ----------
        n : int
            At most; there may be fewer.
        judge : Sample
            Rows for the architecture.
        late : callable, optional
            True: there is no time to look at more of them.

        Returns
        -------
        list of dict of Edge to str
        """

    def scores(self) -> dict[Edge, npt.NDArray[np.float64]] | None:
        """Give the probability of each operation on each edge, where the strategy learns that."""
        return None

    def end_epoch(self, judge: Sample) -> dict[str, float]:  # noqa: ARG002 - for those that look
        """Look at an epoch that is over; what is returned goes into the record. ``stop``: the search ends here."""
        return {}

    def loss(self, batch: Batch) -> torch.Tensor:
        """Compute the loss with the gates as they are."""
        return criterion(self.supernet(*batch.inputs), batch)

    def train_weights(self, batch: Batch, progress: float) -> float:
        """Make a step of the shared weights with the gates as they are."""
        low = self.settings.learning_rate / 40
        rate = low + (self.settings.learning_rate - low) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
        self.optimizer.param_groups[0]["lr"] = rate
        loss = self.loss(batch)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.supernet.weights, self.settings.gradient_clipping)
        self.optimizer.step()
        return float(loss.detach())

    def draw(self) -> dict[Edge, str]:
        """Draw an architecture that the guards let pass."""
        for _ in range(1000):
            genotype = self.space.random(self.rng)
            if self.passes(genotype):
                break
        return genotype

    def passes(self, genotype: Genotype) -> bool:
        """Say whether the guards let an architecture pass: it learns something, and has few skip connections."""
        limit = self.settings.max_skips
        return limit is None or (self.space.is_connected(genotype) and n_skips(genotype) <= limit)

    def judged(
        self, genotypes: Sequence[Genotype], judge: Sample, late: Late = never, n_rows: int = 1024
    ) -> list[float]:
        """Judge architectures by the shared weights, all on the same rows; when it is late, no more but one."""
        places = np.arange(min(len(judge), n_rows))
        parts = np.array_split(places, max(1, len(places) // 256))
        losses: list[float] = []
        with self.supernet.judging():
            for genotype in genotypes:
                if losses and late():
                    break
                self.supernet.open_path(genotype)
                losses.append(float(np.mean([float(self.loss(judge.take(part))) for part in parts])))
        return losses

    def best_drawn(self, n: int, judge: Sample, drawn: Sequence[dict[Edge, str]], late: Late) -> list[dict[Edge, str]]:
        """Order drawn architectures by their loss with the shared weights."""
        different = list({tuple(sorted(g.items())): g for g in drawn}.values())
        losses = self.judged(different, judge, late)
        order = sorted(range(len(losses)), key=lambda i: (math.isnan(losses[i]), losses[i]))
        return [different[i] for i in order[:n]]

    def likeliest(self, n: int, scores: Mapping[Edge, npt.NDArray[np.float64]]) -> list[dict[Edge, str]]:
        """Name the architecture with the highest scores, then the likeliest others that the guards let pass."""
        limit = self.settings.max_skips
        found = [self.space.discretize(scores, max_skips=limit)]
        logs = {e: np.log(np.maximum(s, 1e-12)) for e, s in scores.items()}
        drawn: dict[tuple[tuple[Edge, str], ...], dict[Edge, str]] = {}
        for _ in range(50 * n):
            # The likelier, the more often: the highest of scores with Gumbel noise is a draw from them.
            noisy = {e: np.exp(s + self.rng.gumbel(scale=0.5, size=len(s))) for e, s in logs.items()}
            genotype = self.space.discretize(noisy, max_skips=limit)
            drawn[tuple(sorted(genotype.items()))] = genotype
        drawn.pop(tuple(sorted(found[0].items())), None)
        place = self.space.operations.index
        others = sorted(drawn.values(), key=lambda g: -sum(logs[e][place(op)] for e, op in g.items()))
        return (found + others)[:n]


class WithAlphas(Strategy):
    """A strategy with a number for each operation on each edge, alpha, that gradients change."""

    def __init__(self, supernet: Supernet, settings: Settings, rng: np.random.Generator) -> None:
        super().__init__(supernet, settings, rng)
        like = supernet.weights[0]
        n = len(self.space.operations)
        start = {e: rng.normal(scale=1e-3, size=n) for e in self.space.edges}
        self.alphas = {
            e: torch.tensor(a, dtype=like.dtype, device=like.device, requires_grad=True) for e, a in start.items()
        }
        self.betas: dict[Edge, torch.Tensor] = {}
        if supernet.partial > 1:
            # Sampled channels make alphas unsteady; weights of the edges hold against that (PC-DARTS, section 3.3).
            self.betas = {
                e: torch.zeros((), dtype=like.dtype, device=like.device, requires_grad=True) for e in self.space.edges
            }
        self.architecture_optimizer = torch.optim.Adam(
            self.architecture,
            lr=settings.architecture_learning_rate,
            betas=(0.5, 0.999),
            weight_decay=settings.architecture_weight_decay,
        )

    @property
    def architecture(self) -> list[torch.Tensor]:
        """What is learnt about the architecture."""
        return [*self.alphas.values(), *self.betas.values()]

    def probabilities(self) -> dict[Edge, torch.Tensor]:
        """Compute the weights of each edge's operations."""
        return {edge: alpha.softmax(0) for edge, alpha in self.alphas.items()}

    def edge_weights(self) -> dict[Edge, torch.Tensor]:
        """Compute the weights of the edges into each node, which sum to 1; none without partial channels."""
        weights: dict[Edge, torch.Tensor] = {}
        for cell in self.space.cells:
            for target in self.space.targets if self.betas else ():
                edges = [Edge(cell, source, target) for source in range(target)]
                shares = torch.stack([self.betas[e] for e in edges]).softmax(0)
                weights |= dict(zip(edges, shares.unbind(), strict=True))
        return weights

    def scores(self) -> dict[Edge, npt.NDArray[np.float64]]:
        """Give the probability of each operation, times its edge's weight."""
        with torch.no_grad():
            edges = self.edge_weights()
            return {
                e: (p * edges[e] if e in edges else p).double().cpu().numpy() for e, p in self.probabilities().items()
            }

    def best(self, n: int, judge: Sample, late: Late = never) -> list[dict[Edge, str]]:  # noqa: ARG002 - alphas know
        """Name the architecture with the highest scores, then the likeliest others."""
        return self.likeliest(n, self.scores())

    def keep(self) -> list[torch.Tensor]:
        """Copy what is learnt about the architecture."""
        return [copy.deepcopy(t.detach()) for t in self.architecture]

    def go_back(self, kept: Sequence[torch.Tensor]) -> None:
        """Take up what was kept."""
        with torch.no_grad():
            for t, old in zip(self.architecture, kept, strict=True):
                t.copy_(old)

    def learn_architecture(self, gradients: Sequence[torch.Tensor | None]) -> None:
        """Make a step of the architecture."""
        for t, gradient in zip(self.architecture, gradients, strict=True):
            t.grad = gradient
        self.architecture_optimizer.step()


def n_skips(genotype: Mapping[Edge, str]) -> int:
    """Count the skip connections of the cell that has most."""
    counts: dict[str, int] = {}
    for edge, op in genotype.items():
        counts[edge.cell] = counts.get(edge.cell, 0) + (op == SKIP)
    return max(counts.values(), default=0)
