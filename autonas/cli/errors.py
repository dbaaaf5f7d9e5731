"""What goes wrong, in one line with the mend; and the exit codes."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
from typing import Any

__all__ = ["CODES", "STOPPED", "complain", "explain", "nobody_reads", "show_warning"]

#: Exit codes: a wrong argument or missing data; a search in which every trial failed; the keyboard.
WRONG, FAILED, STOPPED = 2, 1, 130
CODES = (
    "Exit codes: 0 done; 1 every trial failed; 2 wrong argument or missing data; 130 stopped by the keyboard. "
    "Results go to stdout; errors, in one line, and progress to stderr."
)
#: Options that are not called as Python's arguments are, with a hyphen for each underscore.
_RENAMED = {
    "run_dir": "--out",
    "time_limit": "--time",
    "n_trials": "--trials",
    "search_space": "--space",
    "n_jobs": "--jobs",
    "random_state": "--seed",
    "trial_time_limit": "--trial-time",
    "trial_memory_limit": "--trial-memory",
}
_SAME = ("optimizer", "pipeline", "one_shot", "metric", "validation", "min_epochs", "max_epochs", "ensemble_size")
#: Python's arguments, as errors of the library call them, and the options.
_OPTIONS = _RENAMED | {name: f"--{name.replace('_', '-')}" for name in (*_SAME, "tune_threshold", "device")}


def explain(error: Exception) -> int:
    """Say what went wrong; what nobody foresaw is raised again.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    int
        The exit code.
    """
    if hasattr(error, "format_message"):  # of typer, about the arguments; the class has more than one home
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError":
            return WRONG  # the help has been printed
        said = error.format_message().rstrip(".")
        return complain(f"{said}. See: {'autonas' if context is None else context.command_path} --help", WRONG)
    if type(error).__name__ == "SearchFailed":
        return complain(str(error).partition("\n")[0], FAILED)
    if isinstance(error, OSError) and error.filename is not None:
        return complain(
            f"{str(error.filename)!r} cannot be read or written ({error.strerror}): pass another path, or see what "
            "stands there.",
            WRONG,
        )
    if isinstance(error, (ValueError, TypeError, OSError, ImportError)):
        return complain(_with_options(str(error)), WRONG)
    raise error


def _with_options(message: str) -> str:
    """Name options as they are typed here: ``--out 'run'`` for ``run_dir='run'``."""
    every = "|".join(_OPTIONS)
    message = re.sub(rf"\b({every})=(\S)", lambda found: f"{_OPTIONS[found[1]]} {found[2]}", message)
    # Without backticks, only what can be no word of a sentence.
    names = "|".join([f"`(?:{every})`", *(rf"\b{name}\b" for name in _OPTIONS if "_" in name)])
    return re.sub(names, lambda found: _OPTIONS[found[0].strip("`")], message)


def complain(message: str, code: int) -> int:
    """Print a message as one line, and give the exit code back."""
    print(f"autonas: {' '.join(message.split())}", file=sys.stderr)
    return code


def show_warning(message: Any, *_: Any, **__: Any) -> None:
    """Print a warning as one line: what ``warnings.showwarning`` is set to."""
    print(f"autonas: warning: {' '.join(str(message).split())}", file=sys.stderr)


def nobody_reads() -> bool:
    """Tell whether the reader of stdout has had enough, as ``head`` has soon; then what is left goes nowhere."""
    gone = False
    with contextlib.suppress(OSError, AttributeError):  # stdout is no file, or the system has no `poll`
        poller, number = select.poll(), sys.stdout.fileno()
        poller.register(number, 0)
        gone = any(event & (select.POLLERR | select.POLLHUP) for _, event in poller.poll(0))
        if gone:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return gone
