"""The report's drawings of what won: the network, and its cell."""

from __future__ import annotations

import math
from typing import Any

import torch

from autonas._fitting import Fitted
from autonas._network_plot import plot_network
from autonas._two_stage import edges_of, smallest_loss
from autonas.networks.cells import CELL, NONE, cell_space_of
from autonas.networks.layers_of import layers_of
from autonas.networks.specs import ImageSpec
from autonas.plots import plot_cell
from autonas.report.page import figure, paragraph, section
from autonas.spaces import values
from autonas.training.trial import TrainedNetwork

__all__ = ["cell_section", "configuration_of", "network_section"]


def configuration_of(fitted: Fitted, trial: int) -> Any:
    """Give the configuration of a trial."""
    return fitted.history.trials[trial].configuration


def network_section(fitted: Fitted) -> str:
    """Draw the network of the best member that is one."""
    members = sorted(fitted.ensemble.members, key=lambda m: (fitted.losses[m.trial], m.trial))
    networks = [m for m in members if not fitted.search_space.is_traditional(configuration_of(fitted, m.trial))]
    if not networks:
        return ""
    best, (first, *others) = networks[0].trial, networks[0].networks
    layers = layers_of(first.network, _example(first), len(first.scales))
    n = sum(len(stack.scales) for stack in (first, *others))
    about = (
        f"Trial {best}, the best of those that predict: each layer that has parameters, the size of its output for one "
        f"row, and its parameters{f', of one of its {n} networks (one a fold)' if n > 1 else ''}."
    )
    drawn = figure(lambda ax: plot_network(layers, ax), about, (5.0, 0.36 * len(layers) + 0.2))
    return section("The network", drawn)


def _example(trained: TrainedNetwork) -> list[torch.Tensor]:
    """Make some rows of what a network reads; so many as no layer has units."""
    n, spec = (len(trained.scales), 7), trained.preprocessor.input_spec
    device = next(trained.network.parameters()).device
    if isinstance(spec, ImageSpec):
        shapes: list[tuple[int, ...]] = [(*n, spec.channels, spec.height, spec.width), (*n, 0)]
    else:
        shapes = [(*n, spec.n_numeric), (*n, len(spec.cardinalities))]
    return [torch.zeros(shapes[0], device=device), torch.zeros(shapes[1], dtype=torch.int64, device=device)]


def cell_section(fitted: Fitted) -> str:
    """Draw the cell of the best trial, if its family is one of cells, and say how cells were searched."""
    found, cell = fitted.one_shot, _cell_of_best(fitted)
    if found is None:
        about, compared = "The best trial's network repeats this cell; the search chose it with all the rest.", ""
    else:
        about = (
            f"Weight sharing ({found.strategy}) searched cells of {found.family} for {found.seconds:.0f} seconds; the "
            f"rest of the search chose among the best {len(found.cells)} and the family's own default. {_worth(fitted)}"
        )
        compared = (
            str(found.comparison)
            if found.comparison is not None
            else "Random cells were not tried for comparison: OneShot(..., compare_to_random=True) does that."
        )
    caption = "The cell of the best trial."
    if found is not None and (cell is None or cell in found.cells):
        place = 0 if cell is None else found.cells.index(cell)
        cell, caption = found.cells[place], f"The cell of the best trial (number {place + 1} of those found)."
    elif found is not None and cell == found.default_cell:
        caption = "The cell of the best trial: the family's default."
    if cell is None:
        return ""
    edges = [edge for edge in edges_of(cell) if edge[2] != NONE]
    nodes = len({node for edge in edges for node in edge[:2]})
    size = (max(5.0, 1.4 * nodes), max(3.0, 0.7 * nodes))
    drawn = figure(lambda ax: plot_cell(edges, ax), caption, size, paper=True)
    return section("The cell", paragraph(about), drawn, paragraph(compared) if compared else "")


def _worth(fitted: Fitted) -> str:
    """Say what stage one was worth, by the trials of stage two."""
    found = fitted.one_shot
    assert found is not None
    choice = f"{found.family}:{CELL}"
    best, by_hand = (smallest_loss(fitted.history, choice, cells) for cells in (found.cells, [found.default_cell]))
    if found.default_cell in found.cells or not math.isfinite(best + by_hand):
        return ""
    verdict = "better" if best < by_hand else "no better"
    return (
        f"The best validation loss with a cell that was found is {best:.5g}, with the default {by_hand:.5g}: stage one "
        f"was {verdict} than it in this run."
    )


def _cell_of_best(fitted: Fitted) -> str | None:
    """Write the cell of the best trial as a text; None if its network is not made of cells."""
    configuration = {**fitted.search_space.defaults, **values(fitted.best.configuration)}
    family = str(configuration.get("network"))
    build = fitted.search_space.builds.get(family)
    space = None if build is None else cell_space_of(build)
    if space is None:
        return None
    own = {name.removeprefix(f"{family}:"): value for name, value in configuration.items()}
    return str(own[CELL]) if CELL in own else space.write(space.pruned(space.genotype(own)))
