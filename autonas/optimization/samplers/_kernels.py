"""A density over mixed, conditional rows of numbers: a product of one kernel a column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, ndtr, ndtri

from autonas.optimization.samplers._vectors import Floats

__all__ = ["ProductKernel"]

_UNIFORM_SPREAD = 12**-0.5
"""Standard deviation of a uniform number in [0, 1]."""


class ProductKernel:
    """Kernel density estimate with a kernel a column, in place of statsmodels' ``KDEMultivariate``.

    Numbers get a normal kernel and choices that of Aitchison and Aitken, as in hpbandster, and the bandwidths
    follow its rule, ``1.06 * spread * n**(-1 / (4 + d))`` with ``d`` the number of active columns.
    Differently from there, (1) the spread of choices is measured without their order, as the root of half the
    chance that two rows differ (for two choices the standard deviation, as in statsmodels); (2) a bandwidth
    of choices stays below ``(k - 1) / k``, beyond which the kernel prefers all other choices; (3) a value
    that is missing because it is inactive is integrated out, where hpbandster fills in a random one; (4)
    there may be fewer rows than columns.

    Parameters
    ----------
    data : ndarray of shape (n, d)
        Numbers in [0, 1], indices of choices, NaN where inactive.
    levels : ndarray of int of shape (d,)
        Number of choices of a column, 0 for numbers.
    min_bandwidth : float
        No bandwidth is smaller.

    References
    ----------
    .. [1] J. Aitchison and C. Aitken. Multivariate binary discrimination by the kernel method. Biometrika 63,
       1976.
    """

    def __init__(self, data: Floats, levels: npt.NDArray[np.int_], min_bandwidth: float) -> None:
        self.data = data
        self.levels = levels
        active = ~np.isnan(data)
        dimension = active.sum(axis=1).mean()
        shrink = 1.06 * np.maximum(active.sum(axis=0), 1) ** (-1 / (4 + dimension))
        spread = [_spread(data[active[:, j], j], k) for j, k in enumerate(levels)]
        bandwidth = np.maximum(shrink * spread, min_bandwidth)
        self.bw = np.where(levels > 0, np.minimum(bandwidth, 1 - 1 / np.maximum(levels, 1)), bandwidth)

    def log_pdf(self, rows: Floats) -> Floats:
        """Evaluate the log of the density.

        Parameters
        ----------
        rows : ndarray of shape (m, d)
            NaN where inactive: that column is integrated out.

        Returns
        -------
        ndarray of shape (m,)
        """
        total = np.zeros((len(rows), len(self.data)))
        for j, (k, bw) in enumerate(zip(self.levels, self.bw, strict=True)):
            x, center = rows[:, j, None], self.data[None, :, j]
            if k > 1:
                part = np.where(x == center, np.log1p(-bw), np.log(bw / (k - 1)))
                part = np.where(np.isnan(center), -np.log(k), part)
            elif k == 0:
                part = -0.5 * ((x - center) / bw) ** 2 - np.log(bw * np.sqrt(2 * np.pi))
                part = np.where(np.isnan(center), 0.0, part)
            else:
                continue
            total += np.where(np.isnan(x), 0.0, part)
        log_pdf: Floats = logsumexp(total, axis=1) - np.log(len(self.data))
        return log_pdf

    def sample(self, prior: Floats, widen: float, rng: np.random.Generator) -> Floats:
        """Draw rows around the data.

        Parameters
        ----------
        prior : ndarray of shape (m, d)
            Draws from the prior, taken where the datum that a row stands around is inactive.
        widen : float
            Factor on the bandwidths of numbers.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        ndarray of shape (m, d)
        """
        center = self.data[rng.integers(len(self.data), size=len(prior))]
        uniform = rng.random(center.shape)
        low, high = ndtr(-center / (self.bw * widen)), ndtr((1 - center) / (self.bw * widen))
        numbers = np.clip(center + self.bw * widen * ndtri(low + uniform * (high - low)), 0, 1)
        # Aitchison and Aitken: any of the k choices with chance bw, else the datum's own.
        choices = np.where(uniform < self.bw, rng.integers(np.maximum(self.levels, 1), size=center.shape), center)
        drawn = np.where(self.levels > 0, choices, numbers)
        return np.where(np.isnan(center), prior, drawn)


def _spread(column: Floats, levels: int) -> float:
    if levels > 0:
        shares = np.bincount(column.astype(int), minlength=levels) / max(len(column), 1)
        return float(np.sqrt((1 - np.sum(shares**2)) / 2))
    return float(column.std(ddof=0)) if len(column) > 1 else _UNIFORM_SPREAD
