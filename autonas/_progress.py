"""What a search shows of itself while it runs: a live panel on a terminal, lines elsewhere, one line in a notebook."""

# ruff: noqa: PLC0415  rich is imported where there is a terminal

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autonas.optimization import Result, RunHistory, Trial
from autonas.spaces import values

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Limits", "Progress", "as_known", "in_words", "named", "showing", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
#: Characters of the incumbent's curve, at most.
WIDTH = 40
#: Hyperparameters that are named in words, at most.
MOST_WORDS = 8
#: Characters of a value, at most: a cell is long.
LONGEST_WORD = 30


@dataclass(frozen=True)
class Limits:
    """What ends a search: the deadline by ``time.monotonic()``, the number of trials; None where nothing does."""

    deadline: float | None = None
    seconds: float | None = None
    n_trials: int | None = None


@dataclass
class Progress:
    """What is known of a search that is going on; a callback of it.

    Parameters
    ----------
    limits : Limits
    metric : str
        Scikit-learn's name of the scorer.
    is_traditional : callable
        Tells whether a configuration is of a model that knows no epochs.
    """

    limits: Limits
    metric: str
    is_traditional: Callable[[Mapping[str, Any]], bool]
    history: RunHistory | None = None
    best: tuple[Trial, float] | None = None
    curve: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def __call__(self, history: RunHistory, trial: Trial, result: Result) -> None:
        """Take in a result."""
        if self.history is None:
            # A run that goes on begins with what it had.
            earlier = [(t, r) for t in history.trials for r in t.results if r is not result]
            for one, other in sorted(earlier, key=lambda pair: pair[1].told):
                self._take(one, other)
        self.history = history
        self._take(trial, result)

    def _take(self, trial: Trial, result: Result) -> None:
        if math.isfinite(result.loss) and (self.best is None or result.loss < self.best[1]):
            self.best = trial, result.loss
        if self.best is not None:
            self.curve.append(self.best[1])

    def line(self, trial: Trial, result: Result) -> str:
        """Say in a line what a result was."""
        network = trial.configuration.get("network", "default network")
        reached = "" if self.is_traditional(trial.configuration) else f" after {result.fidelity} epochs"
        return (
            f"[{result.finished:7.1f} s] trial {trial.number} ({network}, {trial.origin}): "
            f"loss {result.loss:.5g}{reached}"
        )

    def summary(self) -> str:
        """Say in a line how the search went."""
        if self.history is None or self.best is None:
            return "No trial has come to a result."
        trial, loss = self.best
        network = trial.configuration.get("network", "default network")
        return (
            f"{len(self.history.trials)} trials; best: trial {trial.number} ({network}), {self.metric} loss {loss:.5g}."
        )

    def rows(self, now: float | None = None) -> list[tuple[str, str]]:
        """Give what the panel shows: names and texts.

        Parameters
        ----------
        now : float, optional
            In terms of ``time.monotonic()``.
        """
        rows = [("time", self._time(time.monotonic() if now is None else now))]
        if self.history is None:
            return [*rows, ("trials", "the first are running")]
        states = Counter(self.history.state(trial) for trial in list(self.history.trials))
        of = "" if self.limits.n_trials is None else f" of {self.limits.n_trials}"
        told = ", ".join(
            f"{n} {state}" for state in ("complete", "stopped", "failed", "running") if (n := states[state])
        )
        rows.append(("trials", f"{len(self.history.trials)}{of}: {told}"))
        rows.append(("rungs", self._rungs()))
        if self.best is not None:
            trial, loss = self.best
            rows.append(("best", f"trial {trial.number} ({trial.origin}), {named(self.metric, loss)}"))
            rows.append(("so far", sparkline(self.curve, WIDTH)))
            rows.append(("which is", in_words(values(trial.configuration))))
        return rows

    def _time(self, now: float) -> str:
        if self.limits.deadline is None or self.limits.seconds is None:
            return _clock(now - self.started)
        left = max(self.limits.deadline - now, 0.0)
        used = min(max(self.limits.seconds - left, 0.0), self.limits.seconds)
        full = round(20 * used / self.limits.seconds)
        return f"{'━' * full}{'─' * (20 - full)} {_clock(used)} used, {_clock(left)} left"

    def _rungs(self) -> str:
        assert self.history is not None
        reached = Counter(f for trial in list(self.history.trials) for f in trial.losses)
        return ", ".join(f"{n} at {fidelity} epochs" for fidelity, n in sorted(reached.items()))

    def panel(self) -> RenderableType:
        """Draw the panel."""
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, text in self.rows():
            table.add_row(name, Text(text))
        return Panel(table, title="AutoNAS", title_align="left", expand=False)


def named(metric: str, loss: float) -> str:
    """Say a loss as people know it: by its name, or as the score that it is the negative of.

    Examples
    --------
    >>> named("neg_log_loss", 0.25), named("roc_auc", -0.9)
    ('log loss 0.25', 'roc auc 0.9')
    """
    return f"{metric.removeprefix('neg_').replace('_', ' ')} {as_known(metric, loss):.5g}"


def as_known(metric: str, loss: float) -> float:
    """Give a loss as people know it."""
    return loss if metric.startswith("neg_") else -loss


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def sparkline(numbers: Sequence[float], width: int) -> str:
    """Draw numbers as a line of bars, evenly picked if they are many; the first and the last are always among them.

    Examples
    --------
    >>> sparkline([8.0, 5.0, 4.0, 1.0], 40)
    '█▅▄▁'
    >>> sparkline(range(100), 3)
    '▁▅█'
    """
    if len(numbers) > width:
        numbers = [numbers[round(i * (len(numbers) - 1) / (width - 1))] for i in range(width)]
    low, high = min(numbers), max(numbers)
    span = (high - low) or 1.0
    return "".join(_BARS[min(int((x - low) / span * len(_BARS)), len(_BARS) - 1)] for x in numbers)


def in_words(configuration: Mapping[str, Any]) -> str:
    """Describe a configuration in a line: the network's own hyperparameters first.

    Examples
    --------
    >>> in_words({"learning_rate": 0.01234, "network": "mlp", "mlp:n_layers": 3, "mlp:skip": True})
    'mlp with n_layers 3, skip, learning_rate 0.0123'
    """
    network = configuration.get("network")
    own = {k.partition(":")[2]: v for k, v in configuration.items() if k.startswith(f"{network}:")}
    shared = {k: v for k, v in configuration.items() if ":" not in k and k != "network"}
    words = [_word(name, value) for name, value in {**own, **shared}.items() if value is not False and value != "none"]
    more = f" and {len(words) - MOST_WORDS} more" if len(words) > MOST_WORDS else ""
    listed = ", ".join(words[:MOST_WORDS]) + more
    return f"{network} with {listed}" if network and listed else str(network or listed)


def _word(name: str, value: Any) -> str:
    if value is True:
        return name
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{name} {text}" if len(text) <= LONGEST_WORD else f"{name} {text[:LONGEST_WORD]}..."


@contextmanager
def showing(progress: Progress, verbose: int) -> Iterator[list[Callable[[RunHistory, Trial, Result], None]]]:
    """Show a search while it runs; gives the callbacks that it needs.

    Parameters
    ----------
    progress : Progress
    verbose : int
        0: nothing. 1: a live panel on a terminal; one line at the end in a notebook; elsewhere a line whenever there is
        a better trial. 2 and more: a line for every result, anywhere.
    """
    if not verbose:
        yield []
    elif verbose == 1 and _in_notebook():
        yield [progress]
        print(progress.summary(), flush=True)
    elif verbose == 1 and sys.stdout.isatty():
        from rich.console import Console
        from rich.live import Live

        console = Console(file=sys.stdout)
        with Live(get_renderable=progress.panel, console=console, refresh_per_second=2, redirect_stderr=False):
            yield [progress]
    else:
        yield [_lines(progress, every=verbose > 1)]


def _lines(progress: Progress, *, every: bool) -> Callable[[RunHistory, Trial, Result], None]:
    best = [math.inf]

    def announce(history: RunHistory, trial: Trial, result: Result) -> None:
        progress(history, trial, result)
        if every or result.loss < best[0]:
            print(progress.line(trial, result), flush=True)
        best[0] = min(best[0], result.loss)

    return announce


def _in_notebook() -> bool:
    """Tell whether this is a kernel of Jupyter, whose output is kept and not redrawn."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and type(get_ipython()).__name__ == "ZMQInteractiveShell"
