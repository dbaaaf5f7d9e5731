"""Ensembles that predict losses: small enough to be fitted again for every proposal."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from autonas.optimization.samplers._vectors import Floats

__all__ = ["NetworkEnsemble"]

_Singles = npt.NDArray[np.float32]


class NetworkEnsemble:
    """Networks of two hidden layers that differ in their initial weights and batches, trained side by side by Adam.

    All of them are one stack of matrix products in single precision: a proposal takes tens of milliseconds.

    Parameters
    ----------
    features : ndarray of shape (n, d)
    targets : ndarray of shape (n,)
        About standardized.
    rng : numpy.random.Generator
        The only source of randomness.
    n_members : int, default=5
    width : int, default=24
        Units of each hidden layer.
    n_steps : int, default=120
        Steps of Adam, each on at most 32 rows.
    learning_rate : float, default=0.02
        At the start; it falls to zero along a line.
    """

    def __init__(
        self,
        features: Floats,
        targets: Floats,
        rng: np.random.Generator,
        *,
        n_members: int = 5,
        width: int = 24,
        n_steps: int = 120,
        learning_rate: float = 0.02,
    ) -> None:
        features, targets = features.astype(np.float32), targets.astype(np.float32)
        sizes = [features.shape[1], width, width, 1]
        shapes = [(n_members, *pair) for pair in itertools.pairwise(sizes)]
        shapes += [(n_members, 1, size) for size in sizes[1:]]
        # All parameters are one vector, to Adam, and these are views of its parts.
        counts = [int(np.prod(shape)) for shape in shapes]
        vector = np.zeros(sum(counts), dtype=np.float32)
        parts = [part.reshape(s) for part, s in zip(np.split(vector, np.cumsum(counts)[:-1]), shapes, strict=True)]
        self._weights, self._biases = parts[: len(shapes) // 2], parts[len(shapes) // 2 :]
        for weight in self._weights:
            weight[:] = rng.normal(0, np.sqrt(2 / max(weight.shape[1], 1)), weight.shape)
        self._weights[-1][:] *= 0.1  # near zero at first: the mean of the targets
        mean, square = np.zeros_like(vector), np.zeros_like(vector)
        batches = rng.integers(len(targets), size=(n_steps, n_members, min(32, len(targets))))
        for step, rows in enumerate(batches, 1):
            gradients = self._gradients(features[rows], targets[rows][..., None])
            gradient = np.concatenate([part.ravel() for part in gradients])
            mean += 0.1 * (gradient - mean)
            square += 0.01 * (gradient**2 - square)
            scale = np.sqrt(square / (1 - 0.99**step)) + 1e-8
            rate = learning_rate * (1 - (step - 1) / n_steps)
            vector -= rate * (mean / (1 - 0.9**step) / scale + 1e-3 * vector)

    def predict(self, features: Floats) -> Floats:
        """Predict with each member.

        Parameters
        ----------
        features : ndarray of shape (n, d)

        Returns
        -------
        ndarray of shape (n_members, n)
        """
        inputs = np.broadcast_to(features.astype(np.float32), (len(self._biases[0]), *features.shape))
        found: Floats = self._forward(inputs)[-1][..., 0].astype(float)
        return found

    def _forward(self, inputs: _Singles) -> list[_Singles]:
        layers = [inputs]
        for depth, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            outputs = layers[-1] @ weight + bias
            layers.append(outputs if depth == len(self._weights) - 1 else np.maximum(outputs, 0))
        return layers

    def _gradients(self, inputs: _Singles, targets: _Singles) -> list[_Singles]:
        """Differentiate the mean squared error: those of the weights, then those of the biases."""
        layers = self._forward(inputs)
        back = 2 * (layers[-1] - targets) / targets.shape[1]
        of_weights: list[_Singles] = []
        of_biases: list[_Singles] = []
        for depth in reversed(range(len(self._weights))):
            of_weights.append(layers[depth].swapaxes(1, 2) @ back)
            of_biases.append(back.sum(axis=1, keepdims=True))
            if depth:
                back = back @ self._weights[depth].swapaxes(1, 2) * (layers[depth] > 0)
        return of_weights[::-1] + of_biases[::-1]
