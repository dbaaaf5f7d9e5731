"""Augmentation: images changed anew in each epoch, a batch at a time, on the device that trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from autonas.training.stack import Batch

__all__ = ["OPERATIONS", "Augmentation", "make_augmentation"]

Floats: TypeAlias = npt.NDArray[np.float64]
Random: TypeAlias = np.random.Generator

#: Operations one after the other, and what "10" means as a magnitude: as in RandAugment.
N_OPERATIONS = 2
FULL_MAGNITUDE = 10.0
#: Images that share their operations: about this many.
CHUNK = 16


def make_augmentation(configuration: Mapping[str, Any], span: tuple[float, float]) -> Augmentation | None:
    """Make the augmentation of a configuration; None where it changes nothing.

    Parameters
    ----------
    configuration : mapping
        The hyperparameters of :class:`Augmentation`, by name; those that are not named are off.
    span : tuple of float
        The smallest and the largest pixel of the training images.

    Returns
    -------
    Augmentation or None
    """
    numbers = {name: float(configuration.get(name, 0.0)) for name in _NUMBERS}
    flip = bool(configuration.get("flip", False))
    return Augmentation(span, flip=flip, **numbers) if flip or any(numbers.values()) else None


class Augmentation:
    """Change the images of a batch at random.

    The steps are, in this order: a crop of the padded image; a flip; operations on shapes and colours; one square cut
    out; two images mixed. Each image has random numbers of its own, but for the operations, which about 16 images
    share. All of them come from the generator that is passed.

    Parameters
    ----------
    span : tuple of float
        The smallest and the largest pixel there can be.
    crop_padding : float, default=0.0
        Images are moved by up to this share of their height and width, in each direction; what comes in repeats the
        edge.
    flip : bool, default=False
        Whether every second image is mirrored, left for right.
    randaugment_magnitude : float, default=0.0
        Strength of two operations drawn from :data:`OPERATIONS`; 10 is strong, 0 is none.
    cutout : float, default=0.0
        Side of a square that becomes grey, as a share of the image's shorter side (DeVries and Taylor 2017, "Improved
        Regularization of Convolutional Neural Networks with Cutout").
    mixup_alpha : float, default=0.0
        Of the distribution Beta(alpha, alpha) of the share of one of two images that are averaged (Zhang et al. 2018,
        "mixup: Beyond Empirical Risk Minimization").
    cutmix_alpha : float, default=0.0
        The same for the share of the area that one of two images keeps (Yun et al. 2019, "CutMix"). Where both are on,
        half of the images are mixed in one way, half in the other.

    Notes
    -----
    The operations are those of Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced
    search space", each at random in one of its two directions. Rows that are mixed have two targets; the loss is the
    sum of both, weighed by the shares, also of a number.
    """

    def __init__(
        self,
        span: tuple[float, float],
        *,
        crop_padding: float = 0.0,
        flip: bool = False,
        randaugment_magnitude: float = 0.0,
        cutout: float = 0.0,
        mixup_alpha: float = 0.0,
        cutmix_alpha: float = 0.0,
    ) -> None:
        self.span, self.flip = span, flip
        self.crop_padding, self.cutout = crop_padding, cutout
        self.magnitude = randaugment_magnitude / FULL_MAGNITUDE
        self.mixup_alpha, self.cutmix_alpha = mixup_alpha, cutmix_alpha

    def __call__(self, batch: Batch, random: Random) -> Batch:
        """Change a batch.

        Parameters
        ----------
        batch : Batch
            Of one member: images of shape (1, n, channels, height, width).
        random : numpy.random.Generator
            What is drawn from it depends on the shape of the batch alone.

        Returns
        -------
        Batch
            Images of the same shape, uint8 or float32; a second target where they are mixed.
        """
        images = batch.numeric[0]
        if self.crop_padding or self.flip:
            images = self._moved(images, random)
        if self.magnitude:
            images = self._operated(images, random)
        if self.cutout:
            side = self.cutout * min(images.shape[2:])
            outside = _outside(images, random, np.full((2, len(images)), side))
            images = torch.where(outside, images, self._middle(images))
        batch = replace(batch, numeric=images[None])
        return self._mixed(batch, random) if self.mixup_alpha or self.cutmix_alpha else batch

    def _middle(self, images: torch.Tensor) -> torch.Tensor:
        middle = sum(self.span) / 2
        return images.new_tensor(middle if images.dtype.is_floating_point else round(middle))

    def _moved(self, images: torch.Tensor, random: Random) -> torch.Tensor:
        n, channels, *size = images.shape
        rows, columns = (_steps(n, side, self.crop_padding, random) for side in size)
        if self.flip:
            columns = np.where(random.random((n, 1)) < 0.5, columns[:, ::-1], columns)
        places = torch.from_numpy(rows[:, :, None] * size[1] + columns[:, None, :]).to(images.device)
        places = places.view(n, 1, -1).expand(-1, channels, -1)
        return images.flatten(2).gather(2, places).view_as(images)

    def _operated(self, images: torch.Tensor, random: Random) -> torch.Tensor:
        low, high = self.span
        scale = (high - low) or 1.0
        shares = images.to(torch.float32).sub(low).div_(scale)
        parts = shares.tensor_split(-(-len(images) // CHUNK))
        out = torch.cat([self._operated_chunk(part, random) for part in parts])
        return out.mul_(scale).add_(low)

    def _operated_chunk(self, images: torch.Tensor, random: Random) -> torch.Tensor:
        names = list(OPERATIONS)
        for place in random.integers(len(names), size=N_OPERATIONS):
            sign = 1.0 if random.random() < 0.5 else -1.0
            images = OPERATIONS[names[place]](images, sign * self.magnitude)
        return images

    def _mixed(self, batch: Batch, random: Random) -> Batch:
        images = batch.numeric[0]
        n = len(images)
        by_area = random.random(n) < 0.5 if self.mixup_alpha and self.cutmix_alpha else np.full(n, not self.mixup_alpha)
        share = np.ones(n)
        for alpha, chosen in ((self.mixup_alpha, ~by_area), (self.cutmix_alpha, by_area)):
            if alpha:
                share = np.where(chosen, random.beta(alpha, alpha, n), share)
        # How much of each pixel is the image's own: the same everywhere, or all or nothing.
        own = torch.from_numpy(share.astype(np.float32)).to(images.device).view(-1, 1, 1, 1)
        if self.cutmix_alpha:
            sides = np.sqrt(1 - share) * np.array(images.shape[2:])[:, None]
            outside = _outside(images, random, sides)
            boxed = torch.from_numpy(by_area).to(images.device).view(-1, 1, 1, 1)
            own = torch.where(boxed, outside.to(torch.float32), own.expand_as(outside))
        numbers = images.to(torch.float32)
        # The order of rows is random: the next one is any other.
        mixed = torch.lerp(numbers.roll(1, 0), numbers, own)
        kept = own.mean(dim=(2, 3)).view(1, -1)
        weight = torch.ones_like(kept) if batch.weight is None else batch.weight
        second = batch.target.roll(1, 1), weight.roll(1, 1) * (1 - kept)
        return replace(batch, numeric=mixed[None], weight=weight * kept, second=second)


_NUMBERS = ("crop_padding", "randaugment_magnitude", "cutout", "mixup_alpha", "cutmix_alpha")


def _steps(n: int, side: int, padding: float, random: Random) -> npt.NDArray[np.int64]:
    """Say which row or column of an image comes to each place, by image: (n, side)."""
    most = round(padding * side)
    start = random.integers(-most, most + 1, size=(n, 1))
    steps: npt.NDArray[np.int64] = np.clip(start + np.arange(side), 0, side - 1)
    return steps


def _outside(images: torch.Tensor, random: Random, sides: Floats) -> torch.Tensor:
    """Tell the pixels outside a box in each image: (n, 1, height, width). Its centre may be anywhere.

    ``sides`` has the boxes' heights and widths, (2, n); they are cut where they reach beyond the image.
    """
    inside = []
    for length, side in zip(images.shape[2:], sides, strict=True):
        centre = random.random((len(images), 1)) * length
        inside.append(np.abs(np.arange(length) + 0.5 - centre) < side[:, None] / 2)
    rows, columns = (torch.from_numpy(i).to(images.device) for i in inside)
    return ~(rows[:, None, :, None] & columns[:, None, None, :])


# ------------------------------------------------------------------------------------------------ operations
# On images of numbers in [0, 1]; a magnitude of 1 or -1 is strong. torchvision is imported when it is used.

Operation = Callable[[torch.Tensor, float], torch.Tensor]


def _affine(
    images: torch.Tensor,
    *,
    angle: float = 0.0,
    shift: tuple[float, float] = (0, 0),
    shear: tuple[float, float] = (0, 0),
) -> torch.Tensor:
    """Turn, move (by shares of width and height) and shear (by degrees); what comes in is grey."""
    height, width = images.shape[2:]
    from torchvision.transforms import v2  # type: ignore[import-untyped]  # noqa: PLC0415 - takes a second

    moved: torch.Tensor = v2.functional.affine(
        images,
        angle=angle,
        translate=[shift[0] * width, shift[1] * height],
        scale=1.0,
        shear=list(shear),
        interpolation=v2.InterpolationMode.BILINEAR,
        fill=[0.5] * images.shape[1],
    )
    return moved


def _colour(name: str, images: torch.Tensor, *arguments: float) -> torch.Tensor:
    """Change the colours, and leave a channel of transparency as it is."""
    from torchvision.transforms.v2 import functional  # type: ignore[import-untyped]  # noqa: PLC0415 - takes a second

    colours = getattr(functional, name)(images[:, :3].contiguous(), *arguments)
    changed: torch.Tensor = colours if images.shape[1] < 4 else torch.cat([colours, images[:, 3:]], dim=1)
    return changed


def _factor(magnitude: float) -> float:
    """From 0.1 to 1.9."""
    return max(0.0, 1 + 0.9 * magnitude)


#: By name: from images of shape (n, channels, height, width) and a magnitude to images.
OPERATIONS: dict[str, Operation] = {
    "identity": lambda x, _: x,
    "shear_x": lambda x, m: _affine(x, shear=(17.0 * m, 0.0)),
    "shear_y": lambda x, m: _affine(x, shear=(0.0, 17.0 * m)),
    "translate_x": lambda x, m: _affine(x, shift=(0.3 * m, 0.0)),
    "translate_y": lambda x, m: _affine(x, shift=(0.0, 0.3 * m)),
    "rotate": lambda x, m: _affine(x, angle=30.0 * m),
    "brightness": lambda x, m: _colour("adjust_brightness", x, _factor(m)),
    "saturation": lambda x, m: _colour("adjust_saturation", x, _factor(m)),
    "contrast": lambda x, m: _colour("adjust_contrast", x, _factor(m)),
    "sharpness": lambda x, m: _colour("adjust_sharpness", x, _factor(m)),
    "posterize": lambda x, m: _colour("posterize", x, max(1, 8 - round(4 * abs(m)))),
    "solarize": lambda x, m: _colour("solarize", x, max(0.0, 1 - abs(m))),
    "autocontrast": lambda x, _: _colour("autocontrast", x),
    "equalize": lambda x, _: _colour("equalize", x),
}
