"""From images in any form to one array."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils import check_consistent_length
from torch.nn import functional as F  # noqa: N812 - the field's name for it

__all__ = ["ImageSchema", "Images", "check_images", "chunks", "is_images", "resize", "whole"]

AnyArray: TypeAlias = npt.NDArray[Any]

#: Images that are given one by one are brought to one size, of at most this many pixels on the longer side.
LONGEST = 128
CHANNELS = (1, 3, 4)
#: Bytes that are worked on at once, where whole arrays would take too much memory.
_CHUNK = 2**26
#: Modes of PIL of one channel; those of more than eight bits are read as numbers.
_GREY, _LONG = {"1", "L", "LA", "La"}, ("I", "F")


@dataclass(frozen=True)
class Images:
    """Images of one size.

    Attributes
    ----------
    pixels : ndarray of shape (n, channels, height, width), uint8 or float32
        Finite. May share memory with the user's own array: not to be written to.
    """

    pixels: AnyArray

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def arrays(self) -> tuple[AnyArray, ...]:
        """All that it holds."""
        return (self.pixels,)

    def take(self, rows: AnyArray) -> Images:
        """Select images by their positions or by a mask.

        Parameters
        ----------
        rows : ndarray of int or bool
            Positions in the order wanted, or one truth value for each image.

        Returns
        -------
        Images
            A copy of these.
        """
        return Images(self.pixels[rows])


def is_images(X: Any) -> bool:
    """Tell whether an estimator's input is images.

    Parameters
    ----------
    X : object
        Images are an array or tensor of three or four axes; and a list, a Series or an array of one axis, the first of
        which is the path of a file, an image of PIL, or an array of two or three axes. All else is a table.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_images(np.zeros((10, 28, 28))), is_images(["cat.png", "dog.png"]), is_images([[1, 2], [3, 4]])
    (True, True, False)
    """
    n_axes = getattr(X, "ndim", None)
    if n_axes in {3, 4} and hasattr(X, "shape"):
        return True
    if n_axes == 1 or (n_axes is None and isinstance(X, Sequence) and not isinstance(X, str)):
        first = next(iter(X), None)
        return isinstance(first, (str, os.PathLike)) or _is_pil(first) or getattr(first, "ndim", 0) in {2, 3}
    return False


def _is_pil(image: Any) -> bool:
    return hasattr(image, "getbands") and hasattr(image, "convert")


def check_images(X: Any, y: Any = None) -> AnyArray | list[Any]:
    """Bring images to one of two forms, without looking at the pixels.

    Parameters
    ----------
    X : images
        As :func:`is_images` knows them.
    y : array-like of shape (n,), optional
        Must be as long as ``X``.

    Returns
    -------
    ndarray or list
        An array of three or four axes; or the images one by one. Nothing is copied that need not be.

    Raises
    ------
    ValueError
        No images, images without pixels, numbers of another kind, or another length of ``y``.
    """
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    if getattr(X, "ndim", 1) == 1:
        X = list(X)
    else:
        X = np.asarray(X)
        if X.size == 0:
            raise ValueError(f"X has no pixels (shape={X.shape}); pass at least one image of at least one pixel.")
        _check_numbers(X, "X")
    if y is not None:
        check_consistent_length(X, y)
    checked: AnyArray | list[Any] = X
    return checked


def _check_numbers(pixels: AnyArray, name: str) -> None:
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"{name} is an array of {pixels.dtype}; pixels must be real numbers: uint8, or any float.")


class ImageSchema:
    """Learn what images are like once; read new ones likewise.

    Images that are given as one array keep their size. Its axes are (n, height, width), (n, height, width, channels) or
    (n, channels, height, width), with 1, 3 or 4 channels. Where the last axis and the second one may both be the
    channels, it is the last of an array, the second of a tensor. Images that are given one by one (paths of files,
    images of PIL, arrays) are brought to one size: the median height and the median width, shrunk together to at most
    128 pixels on the longer side. Files and images of PIL are grey if all are in training, else RGB; transparency is
    dropped.

    Attributes
    ----------
    channels, height, width : int
        Of the training images.
    layout : {"first", "last"}
        Where the channels stood in training; decides where new images leave it open.
    is_uint8 : bool
        Whether pixels are kept as uint8, as those of uint8 and of most files are; all others are float32.

    Examples
    --------
    >>> schema = ImageSchema().fit(np.zeros((5, 8, 6, 3), np.uint8))
    >>> schema.transform(np.zeros((2, 16, 12, 3), np.uint8)).pixels.shape
    (2, 3, 8, 6)
    """

    channels: int
    height: int
    width: int
    layout: str
    is_uint8: bool
    #: As tables have them: codes of each categorical column.
    cardinalities_: tuple[int, ...] = ()

    def fit(self, X: Any, _: Any = None) -> ImageSchema:
        """Learn the size and the channels.

        Parameters
        ----------
        X : images
            See :func:`is_images`.
        _ : ignored
            Sample weights, which do not matter.

        Returns
        -------
        ImageSchema
            Itself.

        Raises
        ------
        ValueError
            If there are no images, or they have another number of channels than 1, 3 or 4.
        FileNotFoundError
            If there is no file of a name.
        """
        layout = "first" if isinstance(X, torch.Tensor) else "last"
        X = check_images(X)
        if isinstance(X, list):
            forms = [_form(image, place) for place, image in enumerate(X)]
            self.layout = "last"
            self.channels = max(channels for channels, _, _, _ in forms)
            self.is_uint8 = all(whole for _, _, _, whole in forms)
            height, width = (float(np.median([form[i] for form in forms])) for i in (1, 2))
            shrink = min(1.0, LONGEST / max(height, width))
            self.height, self.width = (max(1, round(side * shrink)) for side in (height, width))
        else:
            self.layout = _layout(X.shape[1:], layout, "X")
            self.is_uint8 = X.dtype == np.uint8
            self.channels, self.height, self.width = _channels_first(X, self.layout).shape[1:]
        return self

    def transform(self, X: Any) -> Images:
        """Read images, and bring them to the size learnt.

        Parameters
        ----------
        X : images
            In any form, whatever that in :meth:`fit` was; of any size.

        Returns
        -------
        Images

        Raises
        ------
        ValueError
            If the number of channels is not that of training, or pixels are missing or infinite.
        FileNotFoundError
            If there is no file of a name.
        """
        X = check_images(X)
        if isinstance(X, list):
            pixels = np.empty(
                (len(X), self.channels, self.height, self.width), np.uint8 if self.is_uint8 else np.float32
            )
            for place, image in enumerate(X):
                pixels[place] = self._read(self._one(image, place)[None], f"X[{place}]")[0]
            return Images(pixels)
        return Images(self._read(_channels_first(X, _layout(X.shape[1:], self.layout, "X")), "X"))

    def _one(self, image: Any, place: int) -> AnyArray:
        """Read one image: an array (channels, height, width)."""
        if isinstance(image, (str, os.PathLike)) or _is_pil(image):
            from PIL import ImageOps  # noqa: PLC0415 - not needed for arrays

            with _opened(image, place) as opened:
                upright = ImageOps.exif_transpose(opened)
                if upright.mode.startswith(_LONG):
                    return np.asarray(np.repeat(np.asarray(upright, np.float32)[None], self.channels, axis=0))
                pixels = np.asarray(upright.convert({1: "L", 3: "RGB", 4: "RGBA"}[self.channels]))
            return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)
        pixels = _as_array(image, place)[None]
        first: AnyArray = _channels_first(pixels, _layout(pixels.shape[1:], self.layout, f"X[{place}]"))[0]
        return first

    def _read(self, pixels: AnyArray, name: str) -> AnyArray:
        """Check pixels of shape (n, channels, height, width), and bring them to size and kind."""
        if pixels.shape[1] != self.channels:
            raise ValueError(
                f"{name} has {_of_channels(pixels.shape[1])}, but in fit it was {_of_channels(self.channels)}. Pass "
                "images of the same kind, with an axis of images in front: X[None] for a single one."
            )
        if not (self.is_uint8 and pixels.dtype == np.uint8):
            with np.errstate(over="ignore"):  # what is too large becomes infinite
                pixels = pixels.astype(np.float32, copy=False)
            _refuse_non_finite(pixels, name)
        pixels = resize(pixels, self.height, self.width)
        if self.is_uint8 and pixels.dtype != np.uint8:
            pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        # Later steps read it through torch, which wants memory of one piece that could be written to.
        readable: AnyArray = np.require(pixels, requirements=["C", "W"])
        return readable


def _of_channels(n: int) -> str:
    return f"{n} channel{'s' * (n > 1)} ({ {1: 'grey', 3: 'colour', 4: 'colour and transparency'}[n] })"


def _layout(shape: Sequence[int], preferred: str, name: str) -> str:
    """Say where the channels of images of a shape stand; a grey image of two axes counts as either."""
    if len(shape) == 2:
        return preferred
    possible = [layout for layout, axis in (("first", 0), ("last", 2)) if shape[axis] in CHANNELS]
    if not possible:
        raise ValueError(
            f"{name} has images of shape {tuple(shape)}, which is neither (height, width, channels) nor (channels, "
            "height, width) with 1, 3 or 4 channels. Choose channels, or reshape X."
        )
    return preferred if preferred in possible else possible[0]


def _channels_first(pixels: AnyArray, layout: str) -> AnyArray:
    if pixels.ndim == 3:
        return pixels[:, None]
    return pixels if layout == "first" else np.moveaxis(pixels, 3, 1)


@contextmanager
def _opened(image: Any, place: int) -> Iterator[Any]:
    """Open a file, for as long as it is read; an image of PIL is open."""
    if _is_pil(image):
        yield image
        return
    from PIL import Image  # noqa: PLC0415 - not needed for arrays

    name = f"X[{place}] = {os.fspath(image)!r}"
    if not os.path.isfile(image):  # noqa: PTH113 - bytes and other kinds of paths too
        raise FileNotFoundError(
            f"{name} is no file. One axis of text is read as the paths of images; a table needs two axes."
        )
    try:
        with Image.open(image) as opened:
            yield opened
    except OSError as error:
        raise ValueError(f"{name} cannot be read as an image: {error}") from error


def _as_array(image: Any, place: int) -> AnyArray:
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    if getattr(image, "ndim", 0) not in {2, 3} or 0 in image.shape:
        raise ValueError(
            f"X[{place}] is a {type(image).__name__}, which is no image: pass paths, images of PIL, or arrays of "
            "shape (height, width) or (height, width, channels)."
        )
    _check_numbers(image, f"X[{place}]")
    return np.asarray(image)


def _form(image: Any, place: int) -> tuple[int, int, int, bool]:
    """Give channels, height and width of one image, and whether its pixels are uint8; of a file by its header."""
    if isinstance(image, (str, os.PathLike)) or _is_pil(image):
        with _opened(image, place) as opened:
            width, height = opened.size
            # Turned by a quarter: see the tag "orientation" of Exif.
            if opened.getexif().get(0x0112, 1) >= 5:
                width, height = height, width
            is_long = opened.mode.startswith(_LONG)
            return 1 if is_long or opened.mode in _GREY else 3, height, width, not is_long
    pixels = _as_array(image, place)
    shape = _channels_first(pixels[None], _layout(pixels.shape, "last", f"X[{place}]")).shape
    return shape[1], shape[2], shape[3], pixels.dtype == np.uint8


def _refuse_non_finite(pixels: AnyArray, name: str) -> None:
    for part in chunks(pixels):
        bad = ~np.isfinite(pixels[part]).all(axis=(1, 2, 3))
        if bad.any():
            raise ValueError(
                f"{name} has pixels that are NaN, infinite or too large for float32 (image "
                f"{part.start + int(np.argmax(bad))}). Replace them by numbers."
            )


def chunks(pixels: AnyArray) -> Iterator[slice]:
    """Divide images into parts that take a bounded memory as numbers of four bytes."""
    step = max(1, _CHUNK // (4 * int(np.prod(pixels.shape[1:]))))
    return (slice(start, start + step) for start in range(0, len(pixels), step))


def resize(pixels: AnyArray, height: int, width: int) -> AnyArray:
    """Bring images to a size, by bilinear interpolation that averages where it shrinks (antialiasing).

    Parameters
    ----------
    pixels : ndarray of shape (n, channels, h, w), uint8 or float32
    height, width : int

    Returns
    -------
    ndarray of shape (n, channels, height, width)
        Of the same kind of number; the same object if nothing changes.
    """
    if pixels.shape[2:] == (height, width):
        return pixels
    resized = np.empty((*pixels.shape[:2], height, width), pixels.dtype)
    for part in chunks(pixels):
        numbers = torch.from_numpy(np.ascontiguousarray(pixels[part], np.float32))
        out = F.interpolate(numbers, (height, width), mode="bilinear", antialias=True, align_corners=False)
        resized[part] = (whole(out) if pixels.dtype == np.uint8 else out).numpy()
    return resized


def whole(pixels: torch.Tensor) -> torch.Tensor:
    """Round to whole numbers; halves, which are frequent, always down: the last digit must not decide."""
    return torch.floor(pixels + 0.499)
