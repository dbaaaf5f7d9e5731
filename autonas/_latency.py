"""How long predicting takes, measured: an objective beside the loss."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autonas.training.checkpoint import load_model
from autonas.training.ensemble import Ensemble, Ensembled
from autonas.training.images import Images
from autonas.training.trial import Trainer

__all__ = ["LATENCY", "WithLatency"]

#: The name of the objective: milliseconds in which a trial's networks predict 1,000 rows, preprocessing included.
LATENCY = "latency"
#: Rows that are predicted, of a table and of images; and how often. The fastest counts: other work only adds.
_ROWS, _IMAGES, _TIMES = 256, 64, 5


class WithLatency:
    """A trainer that also measures how long predicting takes, on the device where it trains.

    Parameters
    ----------
    trainer : Trainer
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def __call__(
        self,
        configuration: Mapping[str, Any],
        fidelity: int,
        *,
        seed: int,
        checkpoint: Path,
        deadline: float | None = None,
        stop: Any = lambda: False,
    ) -> dict[str, Any]:
        """Train, see :class:`~autonas.training.trial.Trainer`, and measure."""
        result = self.trainer(configuration, fidelity, seed=seed, checkpoint=checkpoint, deadline=deadline, stop=stop)
        return {**result, LATENCY: self._measure(configuration, checkpoint)}

    def _measure(self, configuration: Mapping[str, Any], checkpoint: Path) -> float:
        table = self.trainer.task.table
        rows = table.take(np.arange(min(len(table), _IMAGES if isinstance(table, Images) else _ROWS)))
        networks = self.trainer.restore(configuration, load_model(checkpoint).weights)
        alone = Ensemble([Ensembled(0, 1.0, networks)])
        fastest = np.inf
        for _ in range(_TIMES):
            started = time.perf_counter()
            alone.predict(rows, self.trainer.device)
            fastest = min(fastest, time.perf_counter() - started)
        return float(1e6 * fastest / len(rows))
