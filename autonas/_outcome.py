"""What a fitted estimator tells of its run, and writes of it: the same for classes and numbers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from autonas._assembling import Assembled
from autonas._fitting import Fitted
from autonas._results import describe_members, leaderboard
from autonas.optimization import RunHistory

__all__ = ["Outcome"]


class Outcome:
    """Methods of both estimators that need no data."""

    _fitted: Fitted
    history_: RunHistory

    def leaderboard(self) -> pd.DataFrame:
        """List all trials, the best validation loss first.

        Returns
        -------
        DataFrame
            One row a trial: ``trial``, ``network`` (the family), ``kind`` ("network", or "traditional" for a forest,
            boosted trees or a linear model), ``loss`` (the metric as a loss), ``epochs`` trained and ``best_epoch``
            (both 0 for a traditional model), ``ensemble_weight``, ``origin`` (what proposed it), ``seconds``,
            ``n_parameters`` of each of its networks, ``state``.
        """
        check_is_fitted(self)
        return leaderboard(self._fitted)

    def show_models(self) -> str:
        """Describe the networks of the ensemble as text: their weights, their sizes and their hyperparameters.

        Returns
        -------
        str
            The heaviest member first; hyperparameters by what they belong to (architecture, preprocessing, training).
        """
        check_is_fitted(self)
        return describe_members(self._fitted)

    def failures(self) -> pd.DataFrame:
        """List why trials failed, grouped by cause.

        Returns
        -------
        DataFrame
            One row a cause: how often, an example trial, and its traceback.
        """
        check_is_fitted(self)
        return self.history_.failures()

    def report(self, path: str | Path = "report.html") -> Path:
        """Write what was searched, what won and how sure that is into one HTML file, which needs nothing but itself.

        Parameters
        ----------
        path : str or Path, default="report.html"

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ImportError
            Without matplotlib (``pip install 'autonas[plots]'``).
        """
        check_is_fitted(self)
        from autonas.report import write_report  # noqa: PLC0415 - matplotlib is slow to import

        return write_report(path, self._fitted, self._changed(), getattr(self, "classes_", None))

    def model_card(self, path: str | Path = "model_card.md", *, scores: Mapping[str, float] | None = None) -> Path:
        """Write a model card: data, scores, what predicts, limits, and how it was made, in Markdown, by skops.

        Parameters
        ----------
        path : str or Path, default="model_card.md"
        scores : mapping of str to float, optional
            What you measured on data that the fit never saw, by name.

        Returns
        -------
        Path
            The file. What only people know (intended use, where the data come from, what errors cost) is marked there.

        Raises
        ------
        ImportError
            Without skops (``pip install 'autonas[report]'``).
        """
        check_is_fitted(self)
        from autonas.report.card import write_card  # noqa: PLC0415 - an extra, slow to import

        return write_card(path, self._fitted, self._changed(), getattr(self, "classes_", None), scores)

    def _changed(self) -> dict[str, Any]:
        """Give the parameters that are not at their defaults; a storage's URL may hold a password."""
        given, defaults = (e.get_params(deep=False) for e in (self, type(self)()))  # type: ignore[attr-defined]
        return {n: value for n, value in given.items() if n != "storage" and repr(value) != repr(defaults[n])}

    def get_pareto_front(self) -> list[Any]:
        """Give a fitted estimator for each trial that no other beats in the loss and in all ``objectives``.

        Returns
        -------
        list of estimator
            Of the same class, the smallest loss first. Each predicts by the networks of its trial alone, calibrated by
            itself, and tells in ``objectives_`` its validation loss and its objectives; its ``best_params_``,
            ``best_configuration_`` and ``best_score_`` are those of its trial. ``pandas.DataFrame(model.objectives_ for
            model in front)`` is the front as a table.

        Raises
        ------
        ValueError
            If fit had no ``objectives``.
        """
        check_is_fitted(self)
        if not self.history_.objectives:
            raise ValueError("There is no front of one objective: fit with objectives=['n_parameters'], say.")
        return [self._alone(made) for made in self._fitted.front]

    def _alone(self, made: Assembled) -> Any:
        """Copy the estimator, as if a single trial were all that it is."""
        one: Any = copy.copy(self)
        (member,) = made.ensemble.members
        one._fitted = replace(self._fitted, ensemble=made.ensemble, decision=made.decision, validated=made.validated)
        one._describe(self.history_.trials[member.trial])
        one.objectives_ = dict(made.objectives)
        return one

    def export_onnx(self, path: str | Path = "model.onnx", *, best_only: bool = False) -> Path:
        """Write the estimator, with its preprocessing, as an ONNX file, for programs without torch or Python.

        Parameters
        ----------
        path : str or Path, default="model.onnx"
        best_only : bool, default=False
            Only the networks of the best trial: smaller and faster than the ensemble, and a little worse.

        Returns
        -------
        Path
            The file. It reads one input for each column of a DataFrame, of shape (n, 1) and the column's name: float64
            for numbers (NaN: missing; of a timedelta the seconds, of a datetime the seconds since 1970 in UTC), text
            for categories ("": missing; whole numbers without a point). For an array of numbers it reads ``X``, (n,
            n_features), float64; for images ``images``, (n, channels, height, width), of the size and the kind of
            pixels that ``fit`` saw. It gives ``label`` and ``probabilities``, or ``prediction``, in float32.

        Raises
        ------
        ImportError
            Without onnx and onnxscript (``pip install 'autonas[onnx]'``).
        ValueError
            If the ensemble has traditional models, or a network of your own cannot be expressed.
        """
        check_is_fitted(self)
        from autonas.export.onnx import export_onnx  # noqa: PLC0415 - an extra, slow to import

        return export_onnx(path, self._fitted, getattr(self, "classes_", None), best_only=best_only)

    def export_torch(self, path: str | Path = "model.pt2", *, best_only: bool = False) -> Path:
        """Write the estimator, with its preprocessing, as a program of ``torch.export``, which needs no AutoNAS.

        Parameters
        ----------
        path : str or Path, default="model.pt2"
        best_only : bool, default=False
            Only the networks of the best trial.

        Returns
        -------
        Path
            The file, for ``torch.export.load(path).module()``. It is called with ``raw``, the numbers of shape (n,
            n_numeric), float64, and ``codes``, the categories of shape (n, n_categorical), int64, or with the one of
            them that the table has; with images as :meth:`export_onnx` takes them. Its extra file ``about.json`` names
            the columns, the code of each category, and the classes. It gives probabilities, or numbers, in float32.

        Raises
        ------
        ValueError
            If the ensemble has traditional models, or torch cannot export a network of your own.
        """
        check_is_fitted(self)
        from autonas.export.program import export_torch  # noqa: PLC0415 - slow to import

        return export_torch(path, self._fitted, getattr(self, "classes_", None), best_only=best_only)
