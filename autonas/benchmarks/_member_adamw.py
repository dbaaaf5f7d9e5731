"""AdamW for stacked networks whose members learn at rates of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import optim

__all__ = ["MemberAdamW"]

_BETA1, _EPSILON = 0.9, 1e-8


class MemberAdamW(optim.Optimizer):
    """What ``torch.optim.AdamW`` does, with settings of its own for each member of a stack.

    Parameters
    ----------
    like : torch.optim.AdamW
        Of :func:`autonas.training.optim.make_optimizer`: its groups of parameters are taken over, and say which of them
        decay; the second beta too. Learning-rate factors other than 1 are not known.
    rates, decays : ndarray of shape (n_members,)
        Learning rates, at their highest, and weight decays.
    constant : ndarray of shape (n_members,), bool
        Whose learning rate does not follow the schedule.

    Notes
    -----
    Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
    """

    def __init__(
        self,
        like: optim.Optimizer,
        rates: npt.NDArray[Any],
        decays: npt.NDArray[Any],
        constant: npt.NDArray[np.bool_],
    ) -> None:
        groups = [
            # In units of the members' own: what a schedule sets are then its factors.
            {"params": g["params"], "initial_lr": 1.0, "initial_weight_decay": float(g["weight_decay"] > 0)}
            for g in like.param_groups
        ]
        super().__init__(groups, {"lr": 1.0, "weight_decay": 1.0, "beta2": like.param_groups[0]["betas"][1]})
        self.rates, self.decays = (torch.from_numpy(np.asarray(x, np.float32)) for x in (rates, decays))
        self.constant = torch.from_numpy(constant)
        self.n_steps = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002  torch asks for it
        """Make a step; ``closure`` is not used."""
        self.n_steps += 1
        for group in self.param_groups:
            rates, beta2 = torch.where(self.constant, self.rates, self.rates * group["lr"]), group["beta2"]
            keep = 1 - rates * self.decays * group["weight_decay"]
            corrected = rates / (1 - _BETA1**self.n_steps)
            root = (1 - beta2**self.n_steps) ** 0.5
            for p in group["params"]:
                if not self.state[p]:
                    self.state[p] = {"mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
                mean, square = self.state[p]["mean"], self.state[p]["square"]
                shape = (-1, *[1] * (p.ndim - 1))
                mean.lerp_(p.grad, 1 - _BETA1)
                square.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                p.mul_(keep.view(shape))
                p.addcdiv_(mean * -corrected.view(shape), (square.sqrt() / root).add_(_EPSILON))
