"""The estimators: what scikit-learn asks for; the work is done by the two wings below."""

from __future__ import annotations

import copy
import numbers
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ConfigSpace import Configuration
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, _safe_indexing, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from autonas._fitting import Fitted, run
from autonas._outcome import Outcome
from autonas._parameters import PARAMETERS, TUNE_THRESHOLD
from autonas._results import cv_results
from autonas.optimization import Trial
from autonas.spaces import values
from autonas.training.data import check_X
from autonas.training.images import ImageSchema, check_images, is_images
from autonas.training.targets import check_regression_target, check_weight, encode_classes

__all__ = ["AutoNASClassifier", "AutoNASRegressor"]

Array = npt.NDArray[Any]


class _AutoNAS(Outcome, BaseEstimator):  # type: ignore[misc]
    """What both estimators share."""

    def __init__(
        self,
        *,
        optimizer: Any = "bohb",
        pipeline: str | Path = "auto",
        search_space: Any = None,
        one_shot: Any = None,
        objectives: Any = None,
        time_limit: float | None = 300,
        n_trials: int | None = None,
        min_epochs: int | None = None,
        max_epochs: int | None = None,
        metric: Any = None,
        validation: Any = "auto",
        train_on_all: Any = "auto",
        ensemble_size: int | None = None,
        initial_configurations: Any = None,
        portfolio: str | Path | None = "default",
        device: str = "auto",
        run_dir: str | Path | None = None,
        resume: bool = True,
        storage: Any = None,
        n_jobs: int = 1,
        client: Any = None,
        trial_time_limit: float | None = None,
        trial_memory_limit: float | None = None,
        callbacks: Any = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.optimizer = optimizer
        self.pipeline = pipeline
        self.search_space = search_space
        self.one_shot = one_shot
        self.objectives = objectives
        self.time_limit = time_limit
        self.n_trials = n_trials
        self.min_epochs = min_epochs
        self.max_epochs = max_epochs
        self.metric = metric
        self.validation = validation
        self.train_on_all = train_on_all
        self.ensemble_size = ensemble_size
        self.initial_configurations = initial_configurations
        self.portfolio = portfolio
        self.device = device
        self.run_dir = run_dir
        self.resume = resume
        self.storage = storage
        self.n_jobs = n_jobs
        self.client = client
        self.trial_time_limit = trial_time_limit
        self.trial_memory_limit = trial_memory_limit
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Any, Any, Array | None]:
        """Check the form of the input; rows of weight zero count as not there."""
        X = self._checked_data(X, y, reset=reset)
        weight = check_weight(sample_weight, X)
        if weight is not None and not weight.all():
            rows = np.flatnonzero(weight)
            X, y, weight = _safe_indexing(X, rows), _safe_indexing(y, rows), weight[rows]
        return X, y, weight

    def _checked_data(self, X: Any, y: Any = None, *, reset: bool) -> Any:
        images = is_images(X)
        if not reset and images != isinstance(self._fitted.schema, ImageSchema):
            now, before = ("images", "a table") if images else ("a table", "images")
            raise ValueError(f"X is {now}, but in fit it was {before}. Pass the same kind of data.")
        if images:
            if reset:
                # Images have no features of a name or number; an earlier fit may have been to a table.
                for name in {"n_features_in_", "feature_names_in_"} & vars(self).keys():
                    delattr(self, name)
            return check_images(X, y)
        X = check_X(X, self, y)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _fit(self, X: Any, target: Array, classes: Array | None, weight: Array | None, started: float) -> None:
        seed = None if self.random_state is None else _seed(self.random_state)
        self._take(run(self, X, target, classes, weight, seed=seed, started=started))

    def _take(self, fitted: Fitted) -> None:
        """Have what a fit, or a run that was loaded, leaves behind."""
        self._fitted = fitted
        self.history_ = self._fitted.history
        self.configuration_space_ = self._fitted.space
        self.run_dir_ = self._fitted.run_dir
        self.cv_results_ = cv_results(self._fitted)
        self._describe(self._fitted.best)
        if self._fitted.one_shot is not None:
            self.one_shot_ = self._fitted.one_shot
        elif hasattr(self, "one_shot_"):  # of an earlier fit
            del self.one_shot_

    def _describe(self, best: Trial) -> None:
        self.best_configuration_: Configuration = best.configuration
        self.best_params_: dict[str, Any] = values(best.configuration)
        self.best_score_: float = -self._fitted.losses[best.number]

    def _predict(self, X: Any) -> Array:
        check_is_fitted(self)
        return self._fitted.predict(self._checked_data(X, reset=False))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the cluster behind: another process, or a copy, is not connected to it."""
        return {**super().__getstate__(), "client": None}

    def __sklearn_clone__(self) -> Any:
        """Copy the parameters, but for the cluster: scikit-learn would try to copy the connection."""
        made = super(_AutoNAS, copy.copy(self)).__sklearn_clone__()
        made.client = self.client
        return made

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags


def _seed(random_state: Any) -> int:
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


class AutoNASClassifier(ClassifierMixin, _AutoNAS):  # type: ignore[misc]
    __doc__ = f"""Find, tune and train neural networks for classification.
{PARAMETERS.format(metric="log loss", more=TUNE_THRESHOLD)}    classes_ : ndarray of shape (n_classes,)
    temperature_ : float
        What the ensemble's probabilities were calibrated with: below 1 where it was too cautious on the validation
        rows, above 1 where it was too bold (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    decision_weights_ : ndarray of shape (n_classes,)
        ``predict`` gives the class with the largest product of weight and probability; 1 but for ``tune_threshold``.
    threshold_ : float
        Only of two classes: the probability of ``classes_[1]`` above which it is predicted; 0.5 but for
        ``tune_threshold``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from autonas import AutoNASClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = AutoNASClassifier(time_limit=None, n_trials=3, max_epochs=27, random_state=0).fit(X, y)
    >>> clf.predict_proba(X[:2]).shape
    (2, 3)
    """

    def __init__(
        self,
        *,
        optimizer: Any = "bohb",
        pipeline: str | Path = "auto",
        search_space: Any = None,
        one_shot: Any = None,
        objectives: Any = None,
        time_limit: float | None = 300,
        n_trials: int | None = None,
        min_epochs: int | None = None,
        max_epochs: int | None = None,
        metric: Any = None,
        validation: Any = "auto",
        train_on_all: Any = "auto",
        ensemble_size: int | None = None,
        initial_configurations: Any = None,
        portfolio: str | Path | None = "default",
        device: str = "auto",
        run_dir: str | Path | None = None,
        resume: bool = True,
        storage: Any = None,
        n_jobs: int = 1,
        client: Any = None,
        trial_time_limit: float | None = None,
        trial_memory_limit: float | None = None,
        callbacks: Any = None,
        verbose: int = 0,
        random_state: Any = None,
        tune_threshold: bool = False,
    ) -> None:
        super().__init__(
            optimizer=optimizer,
            pipeline=pipeline,
            search_space=search_space,
            one_shot=one_shot,
            objectives=objectives,
            time_limit=time_limit,
            n_trials=n_trials,
            min_epochs=min_epochs,
            max_epochs=max_epochs,
            metric=metric,
            validation=validation,
            train_on_all=train_on_all,
            ensemble_size=ensemble_size,
            initial_configurations=initial_configurations,
            portfolio=portfolio,
            device=device,
            run_dir=run_dir,
            resume=resume,
            storage=storage,
            n_jobs=n_jobs,
            client=client,
            trial_time_limit=trial_time_limit,
            trial_memory_limit=trial_memory_limit,
            callbacks=callbacks,
            verbose=verbose,
            random_state=random_state,
        )
        self.tune_threshold = tune_threshold

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AutoNASClassifier:
        """Search, train and ensemble.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n_samples, n_features); or images
            A table: numbers, categories, strings, booleans, dates; missing values allowed. Or n_samples images: an
            array of shape (n_samples, height, width), (n_samples, height, width, channels) or (n_samples, channels,
            height, width), uint8 or any other real numbers; or a list of paths of files, of PIL images, or of arrays.
        y : array-like of shape (n_samples,)
            Classes of any type.
        sample_weight : array-like of shape (n_samples,), optional
            A row of weight 2 counts as two rows, one of weight 0 as none.

        Returns
        -------
        AutoNASClassifier
            Itself.

        Raises
        ------
        ValueError
            For input or arguments that make no sense, in the words of the mend.
        SearchFailed
            If every trial failed; the message says why.
        """
        started = time.monotonic()
        X, y, weight = self._checked(X, y, sample_weight, reset=True)
        self.classes_, codes = encode_classes(y, X)
        self._fit(X, codes, self.classes_, weight, started)
        return self

    def _describe(self, best: Trial) -> None:
        super()._describe(best)
        self.temperature_ = self._fitted.ensemble.temperature.value
        self.decision_weights_ = self._fitted.decision.weights

    def predict_proba(self, X: Any) -> Array:
        """Predict the classes' probabilities, calibrated on the validation rows.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n_samples, n_features); or images
            The columns that ``fit`` saw, in the same order; or images with as many channels, of any size.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._predict(X)

    def predict(self, X: Any) -> Array:
        """Predict the class of each row: the most probable one, unless ``tune_threshold`` says otherwise.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n_samples, n_features); or images
            The columns that ``fit`` saw, in the same order; or images with as many channels, of any size.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[self._fitted.decision.decide(probabilities)])

    @property
    def threshold_(self) -> float:
        """Of two classes, the probability of the second one above which it is predicted."""
        if len(getattr(self, "classes_", ())) != 2:
            raise AttributeError("threshold_ is there after fit, and where there are two classes.")
        return self._fitted.decision.threshold

    def refit(self, X: Any, y: Any, sample_weight: Any = None) -> AutoNASClassifier:
        """Train the ensemble's configurations anew on all rows given, without a search and without a validation part.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``; no class may be new.

        Returns
        -------
        AutoNASClassifier
            Itself, predicting by the new networks. Each is trained for the epochs that were best in the search; the
            temperatures and the threshold stay what they were.
        """
        check_is_fitted(self)
        X, y, weight = self._checked(X, y, sample_weight, reset=False)
        labels, codes = encode_classes(y, X)
        new = np.setdiff1d(labels, self.classes_)
        if len(new):
            raise ValueError(f"y has classes that fit did not see: {new.tolist()}; call fit instead.")
        self._fitted.refit(X, np.searchsorted(self.classes_, labels)[codes], weight)
        return self


class AutoNASRegressor(RegressorMixin, _AutoNAS):  # type: ignore[misc]
    __doc__ = f"""Find, tune and train neural networks for regression.
{PARAMETERS.format(metric="root mean squared error", more="")}
    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from autonas import AutoNASRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = AutoNASRegressor(time_limit=None, n_trials=3, max_epochs=27, random_state=0).fit(X, y)
    >>> reg.predict(X[:2]).shape
    (2,)
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AutoNASRegressor:
        """Search, train and ensemble.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n_samples, n_features); or images
            A table: numbers, categories, strings, booleans, dates; missing values allowed. Or n_samples images: an
            array of shape (n_samples, height, width), (n_samples, height, width, channels) or (n_samples, channels,
            height, width), uint8 or any other real numbers; or a list of paths of files, of PIL images, or of arrays.
        y : array-like of shape (n_samples,)
            Numbers, in any unit: they are standardized inside.
        sample_weight : array-like of shape (n_samples,), optional
            A row of weight 2 counts as two rows, one of weight 0 as none.

        Returns
        -------
        AutoNASRegressor
            Itself.

        Raises
        ------
        ValueError
            For input or arguments that make no sense, in the words of the mend.
        SearchFailed
            If every trial failed; the message says why.
        """
        started = time.monotonic()
        X, y, weight = self._checked(X, y, sample_weight, reset=True)
        self._fit(X, check_regression_target(y, X), None, weight, started)
        return self

    def predict(self, X: Any) -> Array:
        """Predict a number for each row.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n_samples, n_features); or images
            The columns that ``fit`` saw, in the same order; or images with as many channels, of any size.

        Returns
        -------
        ndarray of shape (n_samples,)
            In the unit of ``y``, within the range that ``fit`` saw.
        """
        return self._predict(X)

    def refit(self, X: Any, y: Any, sample_weight: Any = None) -> AutoNASRegressor:
        """Train the ensemble's configurations anew on all rows given, without a search and without a validation part.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``.

        Returns
        -------
        AutoNASRegressor
            Itself, predicting by the new networks. Each is trained for the epochs that were best in the search.
        """
        check_is_fitted(self)
        X, y, weight = self._checked(X, y, sample_weight, reset=False)
        self._fitted.refit(X, check_regression_target(y, X), weight)
        return self
