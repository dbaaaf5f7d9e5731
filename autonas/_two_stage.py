"""The two-stage mode: weight sharing finds cells, then an optimizer tunes all the rest, with these to choose from."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ConfigSpace import CategoricalHyperparameter, Configuration, ConfigurationSpace

from autonas._names import unknown_name
from autonas._search_space import SearchSpace
from autonas._space_draft import Draft
from autonas._space_edits import leaves
from autonas.networks.cells import CELL, CellSpace, cell_space_of
from autonas.one_shot import STRATEGIES, Found, Settings, find_architectures
from autonas.one_shot.data import halves
from autonas.optimization import RunHistory
from autonas.optimization._settings import read_record, write_record
from autonas.presets import Preset
from autonas.spaces import configuration_from, narrow, values
from autonas.training.trial import Trainer

__all__ = [
    "Comparison",
    "OneShot",
    "OneShotResult",
    "edges_of",
    "find_cells",
    "preset_of_cells",
    "smallest_loss",
    "with_random_cells",
]

#: What a run_dir keeps of stage one.
FILE = "one_shot.json"
#: Epochs of stage one where no time limit says otherwise.
EPOCHS = 10


@dataclass(frozen=True)
class OneShot:
    """How stage one of the two-stage mode searches: ``AutoNASClassifier(one_shot=OneShot("gdas", share=0.4))``.

    Attributes
    ----------
    strategy : str
        A name of ``autonas.one_shot.STRATEGIES``.
    share : float
        Of the time limit, for stage one; between 0 and 1.
    epochs : int or None
        Of stage one. None: as many as its time allows, at most 50; 10 without a time limit.
    n_architectures : int
        So many of the best cells stage two chooses from; the family's default cell is one more.
    partial_channels : int
        With 4, a quarter of the channels goes through the operations of the supernet (PC-DARTS): less memory and time.
    compare_to_random : bool
        Half of the budget goes to a second search of the same kind whose cells are drawn at random, and
        ``one_shot_.comparison`` says which was better.
    settings : Settings
        How the supernet is trained, and the guards.
    """

    strategy: str = "darts_pt"
    share: float = 0.25
    epochs: int | None = None
    n_architectures: int = 3
    partial_channels: int = 1
    compare_to_random: bool = False
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise unknown_name("one-shot strategy", self.strategy, STRATEGIES)
        if not 0 < self.share < 1:
            raise ValueError(f"share={self.share!r}, but must be between 0 and 1: the part of the time for stage one.")
        for name in ("epochs", "n_architectures", "partial_channels"):
            value = getattr(self, name)
            if not (isinstance(value, (int, np.integer)) and value >= 1) and not (name == "epochs" and value is None):
                raise ValueError(f"{name}={value!r}, but must be an int >= 1.")

    @classmethod
    def of(cls, given: Any) -> OneShot:
        """Make the settings that an estimator's ``one_shot`` stands for: a strategy's name, or settings."""
        if isinstance(given, OneShot):
            return given
        if isinstance(given, str):
            return cls(given)
        raise ValueError(f"one_shot={given!r}, but must be a name ({', '.join(STRATEGIES)}), a OneShot(...), or None.")


@dataclass(frozen=True)
class Comparison:
    """Found cells against random ones, each search with the same time or number of trials.

    Attributes
    ----------
    found, random : float
        The best validation losses, without trials of the family's default cell, which both searches had.
    seconds_found, seconds_random : float
        What each took; stage one is in the first.
    """

    found: float
    random: float
    seconds_found: float
    seconds_random: float

    def __str__(self) -> str:
        gain = (self.random - self.found) / abs(self.random) if self.random else 0.0
        verdict = "better than" if gain > 0 else "no better than"
        return (
            f"Found cells were {verdict} random cells: validation loss {self.found:.5g} against {self.random:.5g} "
            f"({gain:+.1%}), in {self.seconds_found:.0f} s and {self.seconds_random:.0f} s. One run of each: a "
            "difference this size can be chance; repeat it with other seeds."
        )


@dataclass
class OneShotResult:
    """What stage one found: the attribute ``one_shot_`` of a fitted estimator.

    Attributes
    ----------
    strategy, family : str
        What searched, and the family whose cells were searched.
    cells : list of str
        The best cells, the best first; the family's hyperparameter ``cell`` chooses among them and the default cell in
        stage two.
    default_cell : str
        The family's own, made by hand. Stage two begins with the best cell that was found, and tries this one next: so
        a search that found nothing good does no harm, and the run tells what it was worth.
    configurations : list of Configuration
        Of the joint space that was given: the default with each cell's operations pinned.
    seconds : float
        Of stage one.
    record : list of dict
        One entry an epoch, see :class:`autonas.one_shot.Found`.
    activation_bytes : int
        See :class:`autonas.one_shot.Found`.
    comparison : Comparison or None
        With ``compare_to_random=True``: found cells against random ones.
    """

    strategy: str
    family: str
    cells: list[str]
    default_cell: str
    configurations: list[Configuration]
    seconds: float
    record: list[dict[str, float]]
    activation_bytes: int
    comparison: Comparison | None = None

    def to_dataframe(self) -> pd.DataFrame:
        """List the epochs of stage one."""
        table: pd.DataFrame = pd.DataFrame(self.record)
        return table

    def edges(self, place: int = 0) -> list[tuple[str, str, str]]:
        """List the edges of a cell for :func:`autonas.plots.plot_cell`: source, target and operation.

        Parameters
        ----------
        place : int, default=0
            Of the cell in :attr:`cells`.
        """
        return edges_of(self.cells[place])


def edges_of(cell: str) -> list[tuple[str, str, str]]:
    """List the edges of a cell that is written as a text."""
    edges = []
    for part in cell.split(", "):
        *kind, nodes, operation = part.split(" ")
        source, target = nodes.split(">")
        prefix = "".join(f"{k} " for k in kind)
        edges.append((prefix + source, prefix + target, operation))
    return edges


def preset_of_cells(preset: Preset, given: Any) -> Preset:
    """Let a preset offer the families of cells that stage one can search.

    Parameters
    ----------
    preset : Preset
        Its key ``one_shot`` names a family, for where ``given`` names none.
    given : object
        The estimator's ``search_space``.

    Returns
    -------
    Preset
    """
    named = given.get("network") if isinstance(given, Mapping) else None
    if named is None and (given is None or isinstance(given, Mapping)):
        named = preset.one_shot
    if named is None:
        return preset
    families = [named] if isinstance(named, (str, Path)) else list(named)
    return replace(preset, networks=tuple(families), portfolio=None)


def find_cells(
    settings: OneShot, trainer: Trainer, chosen: SearchSpace, run_dir: Path, *, seed: int, seconds: float | None
) -> tuple[SearchSpace, OneShotResult]:
    """Search cells by weight sharing, or read what an earlier piece of the run found.

    Parameters
    ----------
    settings : OneShot
    trainer : Trainer
        Knows the data.
    chosen : SearchSpace
        What is searched; its first family of cells is taken.
    run_dir : Path
        Where the result is kept.
    seed : int
    seconds : float or None
        For all of stage one.

    Returns
    -------
    search_space : SearchSpace
        That family only, with the hyperparameter ``FAMILY:cell`` in place of those of the cells: what was found, then
        the default.
    result : OneShotResult

    Raises
    ------
    ValueError
        If no family is of cells.
    """
    family, cells = _family_of_cells(chosen)
    space = narrow(chosen.space, {"network": family}) if "network" in chosen.space else chosen.space
    default = values(space.get_default_configuration())
    own = {**trainer.defaults, **default}
    record = _stored(run_dir)
    if record is None:
        found = _search(settings, trainer, cells, family, own, seed=seed, seconds=seconds)
        record = {**vars(found), "genotypes": [cells.write(g) for g in found.genotypes]}
        write_record(run_dir / FILE, record)
    texts = record["genotypes"]
    pinned = [{**default, **_prefixed(family, cells.values(cells.read(text)))} for text in texts]
    result = OneShotResult(
        record["strategy"],
        family,
        texts,
        _default_cell(space, cells, family),
        [configuration_from(space, configuration) for configuration in pinned],
        record["seconds"],
        record["record"],
        record["activation_bytes"],
    )
    return _with_cells(chosen, space, cells, family, texts), result


def with_random_cells(chosen: SearchSpace, found: SearchSpace, n: int, seed: int) -> tuple[SearchSpace, list[str]]:
    """Make the same space with random cells, which learn something, in place of those that were found.

    The family's default cell stays.

    Parameters
    ----------
    chosen : SearchSpace
        As :func:`find_cells` was given it.
    found : SearchSpace
        What that gave.
    n : int
        Cells.
    seed : int

    Returns
    -------
    search_space : SearchSpace
    cells : list of str
        The random ones.
    """
    family, cells = _family_of_cells(found)
    rng = np.random.default_rng(np.random.SeedSequence((seed, 1)))
    drawn: dict[str, None] = {}
    while len(drawn) < n:
        genotype = cells.random(rng)
        if cells.is_connected(genotype):
            drawn[cells.write(genotype)] = None
    space = narrow(chosen.space, {"network": family}) if "network" in chosen.space else chosen.space
    return _with_cells(chosen, space, cells, family, list(drawn)), list(drawn)


def smallest_loss(history: RunHistory, choice: str, cells: Container[str]) -> float:
    """Find the smallest loss of all trials with some cells; inf if there is none.

    Parameters
    ----------
    history : RunHistory
        Of stage two.
    choice : str
        The hyperparameter that chooses the cell.
    cells : container of str
    """
    trials = (trial for trial in history.trials if trial.configuration[choice] in cells)
    return min((r.loss for trial in trials for r in trial.results), default=math.inf)


def _family_of_cells(chosen: SearchSpace) -> tuple[str, CellSpace]:
    for name in chosen.families:
        cells = cell_space_of(chosen.builds[name]) if name in chosen.builds else None
        if cells is not None:
            return name, cells
    known = [name for name, build in chosen.builds.items() if cell_space_of(build)]
    raise ValueError(
        f"one_shot needs a family of cells, but search_space has {', '.join(map(repr, chosen.families))} only; name "
        f"one in search_space: {', '.join(map(repr, known))}, or one of your own that is marked with of_cells."
    )


def _search(
    settings: OneShot,
    trainer: Trainer,
    cells: CellSpace,
    family: str,
    configuration: Mapping[str, Any],
    *,
    seed: int,
    seconds: float | None,
) -> Found:
    started = time.monotonic()
    side = trainer.side(configuration)
    own = _unprefixed(family, configuration)
    learn, judge = halves(trainer, configuration, seed)
    epochs = EPOCHS if settings.epochs is None and seconds is None else settings.epochs
    return find_architectures(
        cells,
        own,
        (side.preprocessor.input_spec, trainer.output_spec),
        learn,
        judge,
        strategy=settings.strategy,
        epochs=epochs,
        time_limit=None if seconds is None else max(seconds - (time.monotonic() - started), 0.0),
        n_architectures=settings.n_architectures,
        settings=settings.settings,
        partial_channels=settings.partial_channels,
        seed=seed,
        device=trainer.device,
    )


def _stored(run_dir: Path) -> dict[str, Any] | None:
    file = run_dir / FILE
    return read_record(file) if file.exists() else None


def _unprefixed(family: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(f"{family}:"): value for name, value in given.items()}


def _prefixed(family: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{family}:{name}": value for name, value in given.items()}


def _default_cell(space: ConfigurationSpace, cells: CellSpace, family: str) -> str:
    return cells.write(cells.genotype(_unprefixed(family, values(space.get_default_configuration()))))


def _with_cells(
    chosen: SearchSpace, space: ConfigurationSpace, cells: CellSpace, family: str, texts: Sequence[str]
) -> SearchSpace:
    # Every cell has the same hyperparameters.
    names = _prefixed(family, cells.values(cells.read(texts[0])))
    choice = f"{family}:{CELL}"
    different = dict.fromkeys((*texts, _default_cell(space, cells, family)))
    return replace(chosen, space=_replaced_by_choice(space, names, choice, list(different)))


def _replaced_by_choice(
    space: ConfigurationSpace, names: Iterable[str], choice: str, texts: Sequence[str]
) -> ConfigurationSpace:
    """Put one categorical hyperparameter in the place of several; clauses that mention them go, too."""
    draft, gone = Draft.of(space), set(names)

    def mentions(tree: Any) -> bool:
        return any(gone & {leaf.get(key) for key in ("name", "left", "right")} for leaf in leaves(tree))

    new = CategoricalHyperparameter(choice, list(texts), default_value=texts[0], meta={"role": "architecture"})
    record = Draft.of(ConfigurationSpace(space=[new])).hyperparameters[choice]
    return Draft(
        draft.name,
        draft.meta,
        {**{n: r for n, r in draft.hyperparameters.items() if n not in gone}, choice: record},
        {n: tree for n, tree in draft.conditions.items() if n not in gone},
        [tree for tree in draft.forbiddens if not mentions(tree)],
    ).build(mend_defaults=True)
