"""A Gaussian process on blocks of coordinates, and what it expects of a candidate."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from autonas.optimization.samplers._vectors import Floats

__all__ = ["Process", "log_improvement"]


class Process:
    """A Gaussian process with mean 0, variance 1 and one weight a block of coordinates, fitted when it is made."""

    #: The weights and the noise are fitted to so many rows at most: each step costs their cube.
    _most = 100

    def __init__(self, blocks: list[Floats], targets: Floats) -> None:
        few = np.linspace(0, len(targets) - 1, min(len(targets), self._most)).astype(int)
        squares = np.array([cdist(block[few], block[few], "sqeuclidean") for block in blocks])
        # Weights near 1 / sqrt(d) make typical distances near 1.
        start = np.append(np.full(len(blocks), -0.5 * np.log(len(blocks))), np.log(0.1))
        found = minimize(
            _loss,
            start,
            args=(squares, targets[few], start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-6, 3)] * len(blocks) + [(np.log(1e-4), 0)],
            options={"maxfun": 12},
        ).x
        self._weights, noise = np.exp(found[:-1]), np.exp(found[-1])
        self._inputs = self._weighted(blocks)
        kernel = _matern(cdist(self._inputs, self._inputs, "sqeuclidean"))
        self._factor = cho_factor(kernel + noise * np.eye(len(kernel)), lower=True)
        self._solved = cho_solve(self._factor, targets)

    def predict(self, blocks: list[Floats]) -> tuple[Floats, Floats]:
        """Predict mean and standard deviation, without noise."""
        cross = _matern(cdist(self._weighted(blocks), self._inputs, "sqeuclidean"))
        explained = (solve_triangular(self._factor[0], cross.T, lower=True) ** 2).sum(axis=0)
        return cross @ self._solved, np.sqrt(np.maximum(1 - explained, 1e-12))

    def _weighted(self, blocks: list[Floats]) -> Floats:
        return np.concatenate([w * block for w, block in zip(self._weights, blocks, strict=True)], axis=1)


def _matern(squares: Floats) -> Floats:
    a = np.sqrt(5 * squares)
    return (1 + a + a**2 / 3) * np.exp(-a)


def _loss(logs: Floats, squares: Floats, targets: Floats, prior: Floats) -> tuple[float, Floats]:
    """Negative log posterior of log weights and log noise (prior normal, deviation 1 and for noise 2), and gradient."""
    weights, noise = np.exp(2 * logs[:-1]), np.exp(logs[-1])
    total = np.tensordot(weights, squares, axes=1)
    a = np.sqrt(5 * total)
    decay = np.exp(-a)
    kernel = (1 + a + a**2 / 3) * decay
    factor = cho_factor(kernel + (noise + 1e-8) * np.eye(len(kernel)), lower=True)
    solved = cho_solve(factor, targets)
    inverse = cho_solve(factor, np.eye(len(kernel)))
    spread = np.append(np.ones(len(weights)), 2.0)
    away = (logs - prior) / spread
    value = 0.5 * targets @ solved + np.log(np.diag(factor[0])).sum() + 0.5 * away @ away
    outer = 0.5 * (inverse - np.outer(solved, solved))
    slope = outer * (-5 / 6) * (1 + a) * decay  # by the squared distance
    gradient = np.append(2 * weights * np.tensordot(squares, slope, axes=2), noise * np.trace(outer))
    return float(value), gradient + away / spread


def log_improvement(best: float, mean: Floats, deviation: Floats) -> Floats:
    """Logarithm of the expected improvement, also where that is too small for a number."""
    z = (best - mean) / deviation
    density = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    plain = z * ndtr(z) + np.exp(density)
    # For z far below 0: density times 1 / z**2, by Mills' ratio.
    far = density - 2 * np.log(np.maximum(-z, 1.0))
    found: Floats = np.where(z > -5, np.log(np.maximum(plain, 1e-300)), far) + np.log(deviation)
    return found
