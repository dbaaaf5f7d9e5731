"""ENAS: a controller network draws architectures, and learns by reinforcement which are good."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from autonas.networks.cells import Edge
from autonas.one_shot.data import Batch, Sample
from autonas.one_shot.strategy import Late, Settings, Strategy, never
from autonas.one_shot.supernet import Supernet

__all__ = ["Enas"]


class _Controller(nn.Module):
    """An LSTM that chooses an operation for one edge after the other."""

    def __init__(self, n_operations: int, hidden: int = 64) -> None:
        super().__init__()
        self.n_operations, self.hidden = n_operations, hidden
        self.embedding = nn.Embedding(n_operations + 1, hidden)
        self.cell = nn.LSTMCell(hidden, hidden)
        self.head = nn.Linear(hidden, n_operations)
        for p in self.parameters():
            nn.init.uniform_(p, -0.1, 0.1)

    def forward(self, n_edges: int, rng: np.random.Generator) -> tuple[list[int], torch.Tensor, torch.Tensor]:
        """Draw operations; give their places, the logarithm of their probability, and the entropy."""
        like = self.head.weight
        state = like.new_zeros(1, self.hidden), like.new_zeros(1, self.hidden)
        before, places = self.n_operations, []
        log_probability, entropy = like.new_zeros(()), like.new_zeros(())
        for _ in range(n_edges):
            state = self.cell(self.embedding(torch.tensor([before], device=like.device)), state)
            # Bounded logits keep it from settling early (ENAS, section 3.1 of its appendix: 2.5 tanh).
            logs = (2.5 * torch.tanh(self.head(state[0])[0] / 5)).log_softmax(0)
            p = logs.detach().exp().cpu().numpy().astype(np.float64)
            before = int(rng.choice(self.n_operations, p=p / p.sum()))
            places.append(before)
            log_probability = log_probability + logs[before]
            entropy = entropy - (logs.exp() * logs).sum()
        return places, log_probability, entropy


class Enas(Strategy):
    """Each step trains the path of a drawn architecture, then the controller by how good another is on other rows.

    Where a node chooses its inputs, it takes the first edges in an order of chance that have an operation.

    References
    ----------
    H. Pham et al. Efficient Neural Architecture Search via Parameter Sharing. ICML 2018, sections 2.2 and 2.3. The
    reward is the negative loss; its moving average is the baseline.
    """

    entropy_weight = 1e-3
    memory = 0.95

    def __init__(self, supernet: Supernet, settings: Settings, rng: np.random.Generator) -> None:
        super().__init__(supernet, settings, rng)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            self.controller = _Controller(len(self.space.operations)).to(supernet.weights[0].device)
        self.controller_optimizer = torch.optim.Adam(
            self.controller.parameters(), lr=settings.architecture_learning_rate / 3
        )
        self._baseline: float | None = None

    def step(self, learn: Batch, judge: Batch, progress: float) -> float:
        """Make a step of the weights along a path, and one of the controller."""
        with torch.no_grad():
            genotype, _, _ = self._draw()
        self.supernet.open_path(genotype)
        loss = self.train_weights(learn, progress)
        genotype, log_probability, entropy = self._draw()
        with self.supernet.judging():
            self.supernet.open_path(genotype)
            reward = -float(self.loss(judge))
        if np.isfinite(reward):
            self._baseline = reward if self._baseline is None else self._baseline
            objective = -(reward - self._baseline) * log_probability - self.entropy_weight * entropy
            self._baseline += (1 - self.memory) * (reward - self._baseline)
            self.controller_optimizer.zero_grad()
            objective.backward()  # type: ignore[no-untyped-call]
            self.controller_optimizer.step()
        return loss

    def best(self, n: int, judge: Sample, late: Late = never) -> list[dict[Edge, str]]:
        """Let the controller draw architectures, and order them by their loss with the shared weights."""
        with torch.no_grad():
            drawn = [self._draw()[0] for _ in range(3 * self.settings.n_judged)]
        passing = [g for g in drawn if self.passes(g)][: self.settings.n_judged]
        return self.best_drawn(n, judge, passing or [self.draw()], late)

    def _draw(self) -> tuple[dict[Edge, str], torch.Tensor, torch.Tensor]:
        edges = self.space.edges
        places, log_probability, entropy = self.controller(len(edges), self.rng)
        chosen = {e: self.space.operations[place] for e, place in zip(edges, places, strict=True)}
        return self._kept(chosen), log_probability, entropy

    def _kept(self, chosen: dict[Edge, str]) -> dict[Edge, str]:
        if self.space.n_kept is None:
            return chosen
        order = {e: self.rng.random(len(self.space.operations)) * 1e-3 for e in chosen}
        for edge, op in chosen.items():
            order[edge][self.space.operations.index(op)] += 1.0
        return self.space.discretize(order)
