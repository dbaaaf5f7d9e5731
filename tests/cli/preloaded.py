"""What a command would import: imported once, by the server that forks the processes."""

import optuna  # noqa: F401
import pandas as pd  # noqa: F401
import sklearn.ensemble  # noqa: F401

import autonas.benchmarks.checklist
import autonas.cli.listings
import autonas.cli.runs
import autonas.estimator
import autonas.report.writing  # noqa: F401
