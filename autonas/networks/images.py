"""Pieces that image families are made of: on plain batches (batch, channels, height, width), in channels-last memory.

Convolutions keep the resolution at stride 1, and divide it by two, rounded up, at stride 2. How far an image may be
divided is asked of :func:`halving`: so a configuration runs on images of any size.
"""

from __future__ import annotations

import torch
from torch import nn

from autonas.networks.activations import ACTIVATIONS
from autonas.networks.layers import Dropout
from autonas.networks.specs import ImageSpec, OutputSpec

__all__ = [
    "DropPath",
    "ImageHead",
    "ImageInput",
    "ImageStem",
    "InvertedResidual",
    "Size",
    "SqueezeExcite",
    "conv_norm",
    "halving",
    "pool",
    "resized",
    "separable_conv",
]

#: Height and width; or the strides along them.
Size = tuple[int, int]


class ImageInput(nn.Module):
    """Pixels of any unit to normalized floating-point numbers in channels-last memory.

    That memory makes convolutions on the CPU up to 1.7 times as fast, whatever the layout of the weights, which stay
    as torch makes them.

    Parameters
    ----------
    spec : ImageSpec
        Each channel's ``mean`` is subtracted, and it is divided by its ``std``.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # `contiguous(memory_format=...)` leaves a grey image as it is, since its one channel may stand anywhere, and
        # what follows would then take it for the other layout.
        x = torch.empty_like(images, dtype=self.mean.dtype, memory_format=torch.channels_last).copy_(images)
        return x.sub_(self.mean).div_(self.std)


class ImageHead(nn.Module):
    """Mean over all places, dropout, and a linear layer that starts from ``output_spec.bias``.

    Parameters
    ----------
    n_in : int
        Channels of the input (batch, n_in, height, width).
    output_spec : OutputSpec
        The output is (batch, n_outputs).
    dropout : float, default=0.0
        Share of the channels that are dropped in training.
    """

    def __init__(self, n_in: int, output_spec: OutputSpec, dropout: float = 0.0) -> None:
        super().__init__()
        linear = nn.Linear(n_in, output_spec.n_outputs)
        nn.init.zeros_(linear.weight)
        with torch.no_grad():
            linear.bias.copy_(torch.tensor(output_spec.bias))
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), Dropout(dropout), linear)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(x)
        return out


class ImageStem(nn.Module):
    """The first convolutions: normalization of the pixels, then 3x3, as many as the resolution has to be halved.

    Parameters
    ----------
    spec : ImageSpec
    width : int
        Channels of the output.
    resolution : int
        The output is at most a quarter higher or wider than that: larger images are halved, 128 pixels to 32 twice.
    activation : str, default="relu"
        A name of ``ACTIVATIONS``.

    Attributes
    ----------
    size : tuple of int
        Height and width of the output.
    """

    def __init__(self, spec: ImageSpec, width: int, resolution: int, activation: str = "relu") -> None:
        super().__init__()
        strides = _strides_to((spec.height, spec.width), resolution)
        layers = [
            conv_norm(spec.channels if i == 0 else width, width, 3, stride, activation=activation)
            for i, stride in enumerate(strides)
        ]
        self.layers = nn.Sequential(ImageInput(spec), *layers)
        self.size: Size = spec.height, spec.width
        for stride in strides:
            self.size = resized(self.size, stride)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(images)
        return out


def halving(size: Size) -> Size:
    """Say by what strides an image can be halved: 2 along a side of at least 3 pixels, so that 2 are left, else 1."""
    return 2 if size[0] > 2 else 1, 2 if size[1] > 2 else 1


def resized(size: Size, stride: Size) -> Size:
    """Compute height and width after strides."""
    return -(-size[0] // stride[0]), -(-size[1] // stride[1])


def _strides_to(size: Size, resolution: int) -> list[Size]:
    """Make the strides of a stem: one convolution at least."""
    strides: list[Size] = []
    while max(size) > 1.25 * resolution:
        stride = tuple(2 if n > 1.25 * resolution else 1 for n in size)
        strides.append((stride[0], stride[1]))
        size = resized(size, strides[-1])
    return strides or [(1, 1)]


def conv_norm(
    n_in: int,
    n_out: int,
    kernel: int,
    stride: int | Size = 1,
    *,
    groups: int = 1,
    dilation: int = 1,
    activation: str | None = "relu",
) -> nn.Sequential:
    """Make a convolution, batch normalization and a non-linearity.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel : int
        Odd.
    stride : int or tuple of int, default=1
    groups : int, default=1
        ``n_in`` for a depthwise convolution.
    dilation : int, default=1
    activation : str or None, default="relu"
        A name of ``ACTIVATIONS``; None: a linear output.

    Returns
    -------
    nn.Sequential
    """
    layers: list[nn.Module] = []
    if kernel == 1 and stride not in {1, (1, 1)}:
        # The same as a strided 1x1 convolution, whose gradient oneDNN writes past the end of its memory for few
        # channels in channels-last memory (its issue 6035; it is in torch 2.14): wrong numbers, or a crash.
        layers.append(nn.AvgPool2d(1, stride))
        stride = 1
    padding = dilation * (kernel // 2)
    layers += [nn.Conv2d(n_in, n_out, kernel, stride, padding, dilation, groups, bias=False), nn.BatchNorm2d(n_out)]
    return nn.Sequential(*layers, *([] if activation is None else [ACTIVATIONS[activation]()]))


def separable_conv(
    n_in: int, n_out: int, kernel: int, stride: int | Size = 1, *, dilation: int = 1, activation: str | None = "relu"
) -> nn.Sequential:
    """Make a depthwise separable convolution: each channel by itself, then a 1x1 convolution over the channels.

    Parameters
    ----------
    n_in, n_out, kernel, stride, dilation, activation
        As for :func:`conv_norm`.

    Returns
    -------
    nn.Sequential

    Notes
    -----
    Without a non-linearity in between (Chollet 2017, "Xception", section 4.7), but with a normalization.
    """
    depthwise = conv_norm(n_in, n_in, kernel, stride, groups=n_in, dilation=dilation, activation=None)
    return nn.Sequential(depthwise, conv_norm(n_in, n_out, 1, activation=activation))


def pool(kind: str, kernel: int, stride: int | Size = 1) -> nn.Module:
    """Make a pooling layer that keeps the resolution at stride 1.

    Parameters
    ----------
    kind : {"max_pool", "avg_pool"}
        The mean is over the pixels inside the image.
    kernel : int
        Odd.
    stride : int or tuple of int, default=1

    Returns
    -------
    nn.Module
    """
    if kind == "max_pool":
        return nn.MaxPool2d(kernel, stride, kernel // 2)
    return nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)


class SqueezeExcite(nn.Module):
    """A factor in (0, 1) for each channel, computed from all channels' means (Hu et al. 2018, section 3).

    Parameters
    ----------
    width : int
        Channels.
    hidden : int
        Units of the hidden layer.
    activation : str, default="relu"
        Of the hidden layer.
    """

    def __init__(self, width: int, hidden: int, activation: str = "relu") -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, hidden, 1),
            ACTIVATIONS[activation](),
            nn.Conv2d(hidden, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x * self.layers(x)
        return out


class DropPath(nn.Module):
    """Drop a branch for some images of a batch, in training (Huang et al. 2016, "Stochastic Depth", section 3).

    Parameters
    ----------
    p : float
        Share of the images whose output is 0; the others are scaled up by ``1 / (1 - p)``.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.dropout = Dropout(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.dropout.p == 0:
            return x
        out: torch.Tensor = x * self.dropout(x.new_ones(len(x), 1, 1, 1))
        return out


class InvertedResidual(nn.Module):
    """Expand, convolve each channel by itself, project back: the block of MobileNetV2 and V3, and of MnasNet.

    Parameters
    ----------
    n_in, n_out : int
        Channels; the shortcut is there where they are equal and the stride is 1.
    kernel : int
        Of the depthwise convolution.
    stride : int or tuple of int, default=1
    expansion : float, default=4
        Channels inside, as a multiple of ``n_in``.
    squeeze_excite : float, default=0.0
        Hidden units of :class:`SqueezeExcite` as a share of the channels inside; 0: none.
    activation : str, default="relu"
    drop_path : float, default=0.0
        Rate of :class:`DropPath`, where there is a shortcut.

    Notes
    -----
    Sandler et al. 2018, "MobileNetV2", section 3.4; squeeze-and-excitation after Howard et al. 2019, "Searching for
    MobileNetV3", section 5.3.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        stride: int | Size = 1,
        *,
        expansion: float = 4,
        squeeze_excite: float = 0.0,
        activation: str = "relu",
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        inside = max(1, round(expansion * n_in))
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(conv_norm(n_in, inside, 1, activation=activation))
        layers.append(conv_norm(inside, inside, kernel, stride, groups=inside, activation=activation))
        if squeeze_excite:
            layers.append(SqueezeExcite(inside, max(4, round(squeeze_excite * inside))))
        layers.append(conv_norm(inside, n_out, 1, activation=None))
        self.has_shortcut = n_in == n_out and stride in {1, (1, 1)}
        if self.has_shortcut:
            layers.append(DropPath(drop_path))
        self.branch = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.branch(x)
        return x + out if self.has_shortcut else out
