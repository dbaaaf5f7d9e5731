"""Traditional models: scikit-learn's trees and a linear model, as members of an ensemble beside the networks.

They are families like those of the networks: a value of the hyperparameter ``network``, with a YAML of the same name in
``search_spaces/``. :class:`MixedTrainer` fits them on the folds of the networks, keeps them as plain arrays in the same
files, and gives them back in the form of networks, so that nothing else needs to tell them apart.
"""

from autonas.training.traditional.families import TRADITIONAL, is_traditional
from autonas.training.traditional.trainer import MixedTrainer

__all__ = ["TRADITIONAL", "MixedTrainer", "is_traditional"]
