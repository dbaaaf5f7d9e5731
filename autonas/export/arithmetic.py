"""The preprocessing once more, as arithmetic on tensors: what an exported network does with raw numbers and codes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.preprocessing import QuantileTransformer
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from autonas.training.columns import CIRCLE_DECIMALS, YEAR
from autonas.training.data import TableSchema
from autonas.training.image_preprocessing import ImagePreprocessor
from autonas.training.images import whole
from autonas.training.preprocessing import BOUND, Preprocessor

__all__ = ["Pixels", "TableColumns", "TableFeatures", "double", "normal_quantile"]

Array = npt.NDArray[Any]

#: scikit-learn's quantile transformer takes ranks no nearer to 0 and 1 than this.
_LEAST_RANK = 1e-7


class TableColumns(nn.Module):
    """Raw numbers to those that a schema keeps: of datetimes the years and the places in year, week and day.

    Parameters
    ----------
    schema : TableSchema
        The input is of shape (n, n_numeric), float64: for each column of ``numeric_columns``, in their order, its
        numbers, its seconds, or its seconds since 1970 in UTC.
    """

    _chosen: torch.Tensor

    def __init__(self, schema: TableSchema) -> None:
        super().__init__()
        self.columns = [schema.columns_[i] for i in schema.needed if schema.columns_[i].kind != "category"]
        chosen = schema.numeric_chosen
        self.register_buffer("_chosen", None if chosen is None else torch.from_numpy(chosen))

    def forward(self, numeric: torch.Tensor) -> torch.Tensor:
        if all(column.kind != "datetime" for column in self.columns):
            parts = [numeric]
        else:
            parts = []
            for j, column in enumerate(self.columns):
                values = numeric[:, j : j + 1]
                parts += _calendar(values, column.origin) if column.kind == "datetime" else [values]
        read = torch.cat(parts, dim=1)
        return read if self._chosen is None else read.index_select(1, self._chosen)


def double(number: float | Sequence[float]) -> torch.Tensor:
    """Make a constant of all its digits: torch's exporter to ONNX shortens plain numbers to float32."""
    return torch.tensor(number, dtype=torch.float64)


def _calendar(seconds: torch.Tensor, origin: float) -> list[torch.Tensor]:
    year, week, days = double(YEAR), double(7.0), seconds / double(86_400.0)
    day = torch.floor(days)
    fractions = [_modulo(seconds, year) / year, _modulo(day - double(4.0), week) / week, days - day]
    circles = [circle(double(2.0 * math.pi) * fraction) for fraction in fractions for circle in (torch.sin, torch.cos)]
    digits = double(10.0**CIRCLE_DECIMALS)
    return [(seconds - double(origin)) / year, *(torch.round(x * digits) / digits for x in circles)]


def _modulo(x: torch.Tensor, divisor: torch.Tensor) -> torch.Tensor:
    return x - torch.floor(x / divisor) * divisor


class TableFeatures(nn.Module):
    """What :meth:`Preprocessor.transform` does.

    Parameters
    ----------
    preprocessor : Preprocessor
        The input is numbers of shape (n, n_numeric), float64, NaN for missing, and codes of shape (n, n_categorical);
        the output is float32 and codes.
    """

    _varying: torch.Tensor
    _indicated: torch.Tensor
    _order: torch.Tensor
    _fill: torch.Tensor

    def __init__(self, preprocessor: Preprocessor) -> None:
        super().__init__()
        learnt = preprocessor.learnt
        varying = np.flatnonzero(learnt.varies)
        # A column that does not vary is 0: it is taken from the column of zeros behind the others.
        order = np.full(len(learnt.varies), len(varying))
        order[varying] = np.arange(len(varying))
        for name, places in (("varying", varying), ("indicated", learnt.indicated), ("order", order)):
            self.register_buffer(f"_{name}", torch.from_numpy(places.astype(np.int64)))
        self.register_buffer("_fill", torch.from_numpy(np.asarray(learnt.fill, np.float64)))
        self.scale = _scaling(learnt.scaler) if len(varying) else nn.Identity()
        self.clip = _CLIPPINGS[learnt.clipping]
        for j, codes in enumerate(learnt.codes):
            self.register_buffer(f"codes_{j}", torch.from_numpy(codes.astype(np.int64)))
        self.n_codes = len(learnt.codes)

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        missing = torch.isnan(numeric.index_select(1, self._indicated)).float()
        raw = numeric.index_select(1, self._varying)
        scaled = self.scale(torch.where(torch.isnan(raw), self._fill, raw))
        features = self.clip(scaled.clamp(-BOUND, BOUND)).float()
        features = torch.cat([features, features.new_zeros(features.shape[0], 1)], dim=1).index_select(1, self._order)
        codes = [getattr(self, f"codes_{j}")[categorical[:, j]] for j in range(self.n_codes)]
        return torch.cat([features, missing], dim=1), torch.stack(codes, dim=1) if codes else categorical


_CLIPPINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "none": lambda x: x,
    "hard": lambda x: x.clamp(-5.0, 5.0),
    "smooth": lambda x: x / torch.sqrt(1.0 + (x / 3.0).square()),
}


def _scaling(scaler: Any) -> nn.Module:
    if isinstance(scaler, QuantileTransformer):
        return _Ranks(scaler.quantiles_, scaler.references_)
    center = scaler.center_ if hasattr(scaler, "center_") else scaler.mean_
    return _Affine(center, scaler.scale_)


class _Affine(nn.Module):
    center: torch.Tensor
    divisor: torch.Tensor

    def __init__(self, center: Array, divisor: Array) -> None:
        super().__init__()
        self.register_buffer("center", torch.from_numpy(np.asarray(center, np.float64)))
        self.register_buffer("divisor", torch.from_numpy(np.asarray(divisor, np.float64)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.center) / self.divisor


class _Ranks(nn.Module):
    """Ranks among the training rows, as quantiles of a normal distribution: scikit-learn's ``QuantileTransformer``.

    Parameters
    ----------
    quantiles : ndarray of shape (n_quantiles, n_columns)
        Of each column, ascending.
    references : ndarray of shape (n_quantiles,)
        Their ranks, from 0 to 1.
    """

    quantiles: torch.Tensor
    references: torch.Tensor
    _starts: torch.Tensor

    def __init__(self, quantiles: Array, references: Array) -> None:
        super().__init__()
        n, n_columns = quantiles.shape
        self.n = n
        self.register_buffer("quantiles", torch.from_numpy(np.ascontiguousarray(quantiles.T, np.float64)))
        self.register_buffer("references", torch.from_numpy(np.asarray(references, np.float64)))
        self.register_buffer("_starts", torch.arange(n_columns) * n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        each = x.unsqueeze(2)
        # Where quantiles are equal, a number that equals them has the mean of their ranks.
        last = (self.quantiles <= each).sum(2) - 1
        first = (self.quantiles < each).sum(2)
        rank = 0.5 * (self._between(x, last, last + 1) + self._between(x, first - 1, first))
        least = double(_LEAST_RANK)
        rank = torch.where(x + least > self.quantiles[:, -1], double(1.0), rank)
        rank = torch.where(x - least < self.quantiles[:, 0], double(0.0), rank)
        return normal_quantile(torch.minimum(torch.maximum(rank, least), double(1.0 - _LEAST_RANK)))

    def _between(self, x: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        """Interpolate between two quantiles; beyond the outer ones their ranks hold."""
        low, high = low.clamp(0, self.n - 1), high.clamp(0, self.n - 1)
        left, right = self._at(low), self._at(high)
        width = right - left
        share = torch.where(width > 0, (x - left) / torch.where(width > 0, width, double(1.0)), double(0.0))
        start, end = self.references[low], self.references[high]
        return start + (end - start) * share

    def _at(self, places: torch.Tensor) -> torch.Tensor:
        return self.quantiles.flatten()[places + self._starts]


def normal_quantile(p: torch.Tensor) -> torch.Tensor:
    """Compute the quantiles of the standard normal distribution.

    Wichura 1988, "Algorithm AS 241: The Percentage Points of the Normal Distribution", for p from 1e-10 to 1 - 1e-10.

    Parameters
    ----------
    p : Tensor
        Probabilities, float64.

    Returns
    -------
    Tensor
        Of the same shape, with about 16 digits.
    """
    from_half = p - double(0.5)
    inside = double(0.180625) - from_half * from_half
    near = from_half * _polynomial(_CENTRAL, inside) / _polynomial(_CENTRAL_DIVISOR, inside)
    r = torch.sqrt(-torch.log(torch.minimum(p, double(1.0) - p))) - double(1.6)
    far = torch.sign(from_half) * _polynomial(_TAIL, r) / _polynomial(_TAIL_DIVISOR, r)
    return torch.where(from_half.abs() <= double(0.425), near, far)


def _polynomial(coefficients: tuple[float, ...], x: torch.Tensor) -> torch.Tensor:
    value = double(coefficients[-1]).expand_as(x)
    for coefficient in coefficients[-2::-1]:
        value = value * x + double(coefficient)
    return value


_CENTRAL = (
    3.3871328727963666080,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
_CENTRAL_DIVISOR = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
_TAIL = (
    1.42343711074968357734,
    4.63033784615654529590,
    5.76949722146069140550,
    3.64784832476320460504,
    1.27045825245236838258,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
_TAIL_DIVISOR = (
    1.0,
    2.05319162663775882187,
    1.67638483018380384940,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)


class Pixels(nn.Module):
    """What :meth:`ImagePreprocessor.transform` does: images of the training size to a configuration's.

    Parameters
    ----------
    preprocessor : ImagePreprocessor
    height, width : int
        Of the input, (n, channels, height, width), uint8 or float32.
    """

    rows: torch.Tensor
    columns: torch.Tensor

    def __init__(self, preprocessor: ImagePreprocessor, height: int, width: int) -> None:
        super().__init__()
        spec = preprocessor.input_spec
        self.is_resized = (spec.height, spec.width) != (height, width)
        # Bilinear interpolation is linear along each axis: what it makes of a one at each place is its matrix.
        for name, old, new in (("rows", height, spec.height), ("columns", width, spec.width)):
            ones = torch.eye(old)[None, None]
            resized = F.interpolate(ones, (new, old), mode="bilinear", antialias=True, align_corners=False)
            self.register_buffer(name, resized[0, 0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.is_resized:
            return images.float()
        resized = self.rows @ images.float() @ self.columns.T
        return whole(resized) if images.dtype == torch.uint8 else resized
