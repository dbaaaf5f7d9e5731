"""GDAS: one architecture at a time, drawn by a Gumbel softmax."""

from __future__ import annotations

import torch

from autonas.networks.cells import Edge
from autonas.one_shot.data import Batch
from autonas.one_shot.strategy import WithAlphas

__all__ = ["Gdas"]


class Gdas(WithAlphas):
    """Each step computes one operation an edge only; its gradient goes through the probability that it was drawn with.

    References
    ----------
    X. Dong and Y. Yang. Searching for A Robust Neural Architecture in Four GPU Hours. CVPR 2019, section 3.2: the
    temperature falls from 10 to 0.1.
    """

    hottest, coldest = 10.0, 0.1

    def step(self, learn: Batch, judge: Batch, progress: float) -> float:
        """Make a step of the weights along one drawn architecture, and one of the architecture along another."""
        temperature = self.hottest + (self.coldest - self.hottest) * min(progress, 1.0)
        with torch.no_grad():
            self.supernet.gates.edge_weights = self.edge_weights()
            self.supernet.open_path(self.draw_path(temperature)[0])
        loss = self.train_weights(learn, progress)
        self.supernet.gates.edge_weights = self.edge_weights()
        self.supernet.open_path(*self.draw_path(temperature))
        gradients = torch.autograd.grad(self.loss(judge), self.architecture, allow_unused=True)
        self.learn_architecture(gradients)
        return loss

    def draw_path(self, temperature: float) -> tuple[dict[Edge, str], dict[Edge, torch.Tensor]]:
        """Draw an operation for each edge.

        Parameters
        ----------
        temperature : float
            Of the softmax whose gradient the factors carry.

        Returns
        -------
        path : dict of Edge to str
        factors : dict of Edge to Tensor of shape ()
            Each is 1, and has the gradient of the probability of what was drawn.
        """
        path, factors = {}, {}
        for edge, alpha in self.alphas.items():
            noise = torch.from_numpy(self.rng.gumbel(size=len(alpha))).to(alpha)
            soft = ((alpha.log_softmax(0) + noise) / temperature).softmax(0)
            place = int(soft.argmax())
            path[edge] = self.space.operations[place]
            factors[edge] = 1 - soft[place].detach() + soft[place]
        return path, factors
