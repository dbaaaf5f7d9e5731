"""From images of one size to what a configuration's network reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from autonas.networks.specs import ImageSpec
from autonas.training.images import Images, chunks, resize
from autonas.training.preprocessing import Features

__all__ = ["IMAGE_KEYS", "ImagePreprocessor"]

#: The hyperparameters that are read here.
IMAGE_KEYS = ("image_size",)


class ImagePreprocessor:
    """Bring images to a configuration's size, and measure their pixels.

    Parameters
    ----------
    configuration : mapping
        Read is ``image_size``: pixels of the longer side; smaller images stay as they are.

    Attributes
    ----------
    span : tuple of float
        The smallest and the largest pixel of the training images.

    Examples
    --------
    >>> images = Images(np.zeros((2, 3, 40, 30), np.uint8))
    >>> preprocessor = ImagePreprocessor({"image_size": 20}).fit(images)
    >>> preprocessor.transform(images).numeric.shape, preprocessor.input_spec.std
    ((2, 3, 20, 15), (1.0, 1.0, 1.0))
    """

    span: tuple[float, float]

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        size = configuration.get("image_size")
        self._longest = None if size is None else int(size)

    def fit(self, images: Images, _: Any = None) -> ImagePreprocessor:
        """Measure the training images.

        Parameters
        ----------
        images : Images
            At least one.
        _ : ignored
            Sample weights: normalization conditions the training, and estimates nothing.

        Returns
        -------
        ImagePreprocessor
            Itself.
        """
        height, width = images.pixels.shape[2:]
        shrink = 1.0 if self._longest is None else min(1.0, self._longest / max(height, width))
        self._size = max(1, round(height * shrink)), max(1, round(width * shrink))
        pixels = resize(images.pixels, *self._size)
        mean, std = _statistics(pixels)
        self._spec = ImageSpec(pixels.shape[1], *self._size, mean, std)
        self.span = float(pixels.min()), float(pixels.max())
        return self

    def transform(self, images: Images) -> Features:
        """Bring images to the size.

        Parameters
        ----------
        images : Images
            Of the same size as in :meth:`fit`.

        Returns
        -------
        Features
            ``numeric`` holds the pixels, (n, channels, height, width), in their own unit; there are no categories.
        """
        return Features(resize(images.pixels, *self._size), np.zeros((len(images), 0), np.int64))

    @property
    def input_spec(self) -> ImageSpec:
        """What a network is told of the images."""
        return self._spec


def _statistics(pixels: npt.NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Compute mean and standard deviation of each channel."""
    n = pixels[:, 0].size
    mean = sum(pixels[part].sum(axis=(0, 2, 3), dtype=np.float64) for part in chunks(pixels)) / n
    center = np.asarray(mean)[:, None, None]
    squares = sum(np.square(pixels[part] - center).sum(axis=(0, 2, 3)) for part in chunks(pixels)) / n
    std = np.sqrt(np.asarray(squares))
    return tuple(np.asarray(mean).tolist()), tuple(np.where(std > 0, std, 1.0).tolist())
