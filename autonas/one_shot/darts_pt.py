"""Selection by perturbation: of an edge's operations, the one stays whose removal hurts the supernet most."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax

from autonas.networks.cells import Edge
from autonas.one_shot.data import Batch, Sample
from autonas.one_shot.strategy import Late, Settings, Strategy, never
from autonas.one_shot.supernet import Supernet

__all__ = ["DartsPt"]


class DartsPt(Strategy):
    """All operations count alike, and nothing is learnt about them; then edge by edge is cut down to one.

    Which one is found by taking each away in turn: how much the loss on the rows for the architecture grows says what
    it is worth, which the size of an alpha does not. The weights go on learning between the cuts.

    References
    ----------
    R. Wang et al. Rethinking Architecture Selection in Differentiable NAS. ICLR 2021, Algorithm 1, with alpha fixed
    (section 5.2).
    """

    #: Share of the search in which all edges are open.
    open_until = 0.4
    #: Batches that an operation is judged by, at most.
    max_batches = 8
    #: All decisions together compute so many batches, for each step before the first; a step takes as long as three.
    batches_per_step = 2.0

    def __init__(self, supernet: Supernet, settings: Settings, rng: np.random.Generator) -> None:
        super().__init__(supernet, settings, rng)
        edges = self.space.edges
        self._undecided = [edges[i] for i in rng.permutation(len(edges))]
        self._worth: dict[Edge, npt.NDArray[np.float64]] = {}
        self._chosen: dict[Edge, int] = {}
        self._recent: deque[Batch] = deque(maxlen=self.max_batches)
        self._n_steps = 0

    def step(self, learn: Batch, judge: Batch, progress: float) -> float:
        """Decide about an edge if it is time to, then make a step of the weights."""
        self._recent.append(judge)
        self._n_steps += not self._chosen
        n_edges = len(self.space.edges)
        due = (progress - self.open_until) / (1 - self.open_until) * n_edges
        while self._undecided and n_edges - len(self._undecided) < due:
            self._decide(self._undecided.pop(), self.max_batches)
        self._open()
        return self.train_weights(learn, progress)

    def scores(self) -> dict[Edge, npt.NDArray[np.float64]] | None:
        """Give the share of each operation in what all of an edge are worth; None before the first decision."""
        if not self._worth:
            return None
        n = len(self.space.operations)
        spread = float(np.mean([worth.std() for worth in self._worth.values()])) + 1e-12
        return {e: np.asarray(softmax(self._worth.get(e, np.zeros(n)) / spread)) for e in self.space.edges}

    def best(self, n: int, judge: Sample, late: Late = never) -> list[dict[Edge, str]]:  # noqa: ARG002 - it saw enough
        """Decide about the edges that are left; the cell of what was chosen is the first, then its likeliest kin."""
        while self._undecided:
            self._decide(self._undecided.pop(), 1 if late() else self.max_batches)
        scores = self.scores()
        assert scores is not None
        return self.likeliest(n, scores)

    def _decide(self, edge: Edge, most: int) -> None:
        n = len(self.space.operations)
        affordable = int(self.batches_per_step * self._n_steps / (len(self.space.edges) * (n + 1)))
        batches = [*self._recent][-min(max(affordable, 1), most) :]
        worth = np.array([self._loss_without(edge, place, batches) for place in range(n)])
        worth -= self._loss_without(edge, None, batches)
        self._worth[edge] = worth
        self._chosen[edge] = int(worth.argmax())

    def _loss_without(self, edge: Edge, place: int | None, batches: Sequence[Batch]) -> float:
        """Judge the supernet without an operation of an edge; None: with all."""
        self._open()
        if place is not None:
            self.supernet.gates.open[edge] = [gate for gate in self.supernet.gates.open[edge] if gate[0] != place]
        with self.supernet.judging():
            return float(np.mean([float(self.loss(batch)) for batch in batches]))

    def _open(self) -> None:
        n = len(self.space.operations)
        share = torch.tensor(1 / n, device=self.supernet.weights[0].device)
        for edge in self.space.edges:
            places = [self._chosen[edge]] if edge in self._chosen else range(n)
            self.supernet.gates.open[edge] = [(place, share if len(places) > 1 else None) for place in places]
