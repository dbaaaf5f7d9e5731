"""Random numbers for dropout: reproducible whatever else runs in the process, and cheap."""

from __future__ import annotations

import math

import numpy as np
import torch

__all__ = ["Noise"]


class Noise:
    """The masks of dropout for one epoch of one training.

    Drawing a random number for each unit at each step takes as long as the layer's activation. On the CPU a long mask
    is drawn once an epoch instead, and every use is a window of it at a random place: within a step all units are
    independent. On an accelerator each mask is drawn by itself.

    Parameters
    ----------
    seed : sequence of int
        All masks are a function of it, and of the order in which they are asked for.
    device : torch.device
        Of the masks.
    factor : float, default=1.0
        All probabilities are multiplied by it: a schedule of dropout.
    """

    #: The long mask is this many times as long as what is cut from it.
    spare = 2

    def __init__(self, seed: tuple[int, ...], device: torch.device, factor: float = 1.0) -> None:
        self._device, self.factor = device, factor
        self._random = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed)))
        self._masks: dict[float, torch.Tensor] = {}
        self._generator: torch.Generator | None = None
        if device.type != "cpu":
            self._generator = torch.Generator(device).manual_seed(int(self._random.integers(2**62)))

    def keep(self, like: torch.Tensor, p: float) -> torch.Tensor:
        """Draw a mask of the shape of a tensor: 0 with probability ``p``, else ``1 / (1 - p)``."""
        p = p * self.factor
        if p <= 0:
            return like.new_ones(())
        if self._generator is not None:
            drawn = torch.rand(like.shape, generator=self._generator, device=like.device, dtype=like.dtype)
            return (drawn >= p).to(like.dtype) / (1 - p)
        n = like.numel()
        mask = self._masks.get(p)
        if mask is None or len(mask) < n + 1:
            mask = self._masks[p] = self._draw(p, self.spare * n + 1)
        start = int(self._random.integers(len(mask) - n + 1))
        return mask[start : start + n].view(like.shape)

    def _draw(self, p: float, n: int) -> torch.Tensor:
        words = self._random.integers(2**64, size=math.ceil(n / 4), dtype=np.uint64).view(np.uint16)[:n]
        # 16 bits are enough: the probability is off by less than 1e-5.
        return torch.from_numpy(np.where(words < round(p * 2**16), np.float32(0), np.float32(1 / (1 - p))))
