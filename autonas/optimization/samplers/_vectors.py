"""Tables of configurations as ConfigSpace's own vectors: draw, deactivate and check whole columns at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ConfigSpace import CategoricalHyperparameter, Configuration, ConfigurationSpace, OrdinalHyperparameter
from ConfigSpace.hyperparameters import IntegerHyperparameter

__all__ = ["Floats", "VectorSpace"]

Floats = npt.NDArray[np.float64]


class VectorSpace:
    """A space seen as rows of numbers.

    A row holds one number a hyperparameter, in the order of the space: numbers scaled to [0, 1], the index of
    a choice, NaN where the hyperparameter is inactive. ConfigSpace orders hyperparameters so that parents
    come before their children.

    Parameters
    ----------
    space : ConfigurationSpace
        The space; never changed, and its own random state never used.

    Attributes
    ----------
    varying : ndarray of bool of shape (n_hyperparameters,)
        Whether there is something to choose.
    levels : ndarray of int of shape (n_hyperparameters,)
        Number of choices; 0 for a number, be it an integer.
    ordered : ndarray of bool of shape (n_hyperparameters,)
        False where choices have no order.
    """

    def __init__(self, space: ConfigurationSpace) -> None:
        self.space = space
        self.hyperparameters = list(space.values())
        self.varying = np.array([hp.size > 1 for hp in self.hyperparameters], dtype=bool)
        listed = [isinstance(hp, (CategoricalHyperparameter, OrdinalHyperparameter)) for hp in self.hyperparameters]
        self.levels = np.array(
            [hp.size if choices else 0 for hp, choices in zip(self.hyperparameters, listed, strict=True)], dtype=int
        )
        self.ordered = np.array(
            [not isinstance(hp, CategoricalHyperparameter) for hp in self.hyperparameters], dtype=bool
        )
        self._conditions = [
            (column, condition) for column, name in enumerate(space) for condition in space.parent_conditions_of[name]
        ]

    def configuration(self, row: Floats, origin: str) -> Configuration:
        """Make a proposal of a legal row."""
        return Configuration(self.space, vector=row, origin=origin)

    def random(self, rng: np.random.Generator) -> Configuration:
        """Propose a draw from the prior, of origin ``"random"``."""
        return self.configuration(self.sample(1, rng)[0], "random")

    def is_active(self, column: int, row: Floats) -> bool:
        """Say whether a row whose earlier columns are set has a value in this one."""
        conditions = self.space.parent_conditions_of[self.hyperparameters[column].name]
        return all(condition.satisfied_by_vector(row) for condition in conditions)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw ``n`` rows from the prior with every hyperparameter set; conditions and clauses come later.

        Parameters
        ----------
        n : int
            Number of rows.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        ndarray of shape (n, n_hyperparameters)
        """
        table = np.empty((n, len(self.hyperparameters)))
        state = np.random.RandomState(rng.integers(2**32, dtype=np.uint32))
        for column, hyperparameter in enumerate(self.hyperparameters):
            table[:, column] = hyperparameter.sample_vector(n, seed=state)
        return table

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw ``n`` legal rows from the prior.

        Parameters
        ----------
        n : int
            Number of rows.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        ndarray of shape (n, n_hyperparameters)

        Raises
        ------
        ValueError
            If the forbidden clauses leave next to nothing.
        """
        found = np.empty((0, len(self.hyperparameters)))
        for attempt in range(100):
            # A batch grows with the attempts: spaces with hard clauses need many draws, others only one.
            rows, legal = self.settle(self.draw(n * (attempt + 1), rng))
            found = np.concatenate([found, rows[legal]])
            if len(found) >= n:
                return found[:n]
        raise ValueError(
            f"Only {len(found)} of {n} legal configurations found in {n * 5050} draws from the space "
            f"{self.space.name!r}: its forbidden clauses leave next to nothing; make them fewer, or state "
            "them as conditions."
        )

    def settle(self, table: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Round to legal values, take out what is inactive, and see which rows are legal.

        Parameters
        ----------
        table : ndarray of shape (n, n_hyperparameters)
            Rows with every hyperparameter set that might become active.

        Returns
        -------
        rows : ndarray of shape (n, n_hyperparameters)
            NaN where inactive.
        legal : ndarray of bool of shape (n,)
            False where an active value is missing or a forbidden clause holds.
        """
        rows = table.T.copy()  # ConfigSpace wants one row a hyperparameter
        legal = np.ones(len(table), dtype=bool)
        for column, hyperparameter in enumerate(self.hyperparameters):
            if isinstance(hyperparameter, IntegerHyperparameter):
                known = ~np.isnan(rows[column])
                rows[column, known] = hyperparameter.to_vector(hyperparameter.to_value(rows[column, known]))
        inactive = np.zeros(rows.shape, dtype=bool)
        for column, condition in self._conditions:
            inactive[column] = ~condition.satisfied_by_vector_array(rows)
            rows[column, inactive[column]] = np.nan
        legal &= ~(np.isnan(rows) & ~inactive).any(axis=0)
        with np.errstate(invalid="ignore"):  # a relation compares NaN where one side is inactive
            for clause in self.space.forbidden_clauses:
                legal &= ~clause.is_forbidden_vector_array(rows)
        return rows.T.copy(), legal
