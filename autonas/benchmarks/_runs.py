"""Measurements made run by run, kept in a file that a killed process can go on with."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

__all__ = ["append_result", "collect", "fresh_process", "read_results"]

Result = dict[str, Any]


def collect(
    out: str | Path,
    wanted: Sequence[Any],
    execute: Callable[[Any], Result],
    *,
    describe: Callable[[Result], str],
    jobs: int = 1,
    only_read: bool = False,
    say: Callable[[str], None] = print,
) -> list[Result]:
    """Make the runs that are not in a file yet, and read the others.

    Parameters
    ----------
    out : str or Path
        A file of JSON lines. Each result is appended as its run ends.
    wanted : sequence of frozen dataclass
        What each run is. A result in the file that has the same fields is its.
    execute : callable
        Makes a run; must be importable in another process if ``jobs`` is above 1.
    describe : callable
        Says in a few words how a run went.
    jobs : int, default=1
        Processes.
    only_read : bool, default=False
        Make no run.
    say : callable
        Gets a line about each run as it ends.

    Returns
    -------
    list of dict
        The results there are of the runs wanted, each with the fields of its run. A run that failed has none,
        and is made again the next time.
    """
    out = Path(out)
    wanted = list(dict.fromkeys(wanted))
    done: dict[Any, Result] = {}
    if wanted:
        kind = type(wanted[0])
        names = [field.name for field in fields(kind)]
        known = {kind(*(result.get(name) for name in names)): result for result in read_results(out)}
        done = {what: known[what] for what in wanted if what in known}
    missing = [] if only_read else [what for what in wanted if what not in done]
    if done and missing:
        say(f"{len(done)} of {len(wanted)} runs are in {out} already.")
    started = time.monotonic()
    for count, (what, result) in enumerate(_execute_all(missing, execute, jobs), 1):
        if isinstance(result, Exception):
            outcome = f"FAILED, {type(result).__name__}: {result}"
        else:
            done[what] = {**asdict(what), **result}
            append_result(out, done[what])
            outcome = describe(result)
        left = (time.monotonic() - started) / count * (len(missing) - count)
        label = ", ".join(f"{name} {value}" for name, value in asdict(what).items())
        say(f"[{count}/{len(missing)}, about {left / 60:.0f} min left] {label}: {outcome}")
    return [done[what] for what in wanted if what in done]


def _execute_all(
    runs: Sequence[Any], execute: Callable[[Any], Result], jobs: int
) -> Iterator[tuple[Any, Result | Exception]]:
    if jobs == 1:
        for what in runs:
            yield what, _attempt(execute, what)
        return
    # Each process gets one core: threads of BLAS would only fight over it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with _pool(jobs) as pool:
        futures: dict[Future[Result | Exception], Any] = {pool.submit(_attempt, execute, what): what for what in runs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _attempt(execute: Callable[[Any], Result], what: Any) -> Result | Exception:
    try:
        return execute(what)
    except Exception as error:  # noqa: BLE001  one run that fails must not end the others
        return error


def fresh_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a new process, so that no run warms up, or clutters, another's.

    Raises
    ------
    concurrent.futures.process.BrokenProcessPool
        If the process died, of lack of memory for example.
    """
    with _pool(1) as pool:
        return pool.submit(function, *arguments).result()


def _pool(n_processes: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(n_processes, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Let a process end when the one that started it does, by a signal too: left alone it would slow what runs next."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None, "called in a process that another one started"
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def append_result(path: Path, result: Result) -> None:
    """Append a result to a file of JSON lines, in one write: being killed costs the last line at most."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        torn = False
        if file.tell():
            file.seek(-1, os.SEEK_END)
            torn = file.read(1) != b"\n"
        file.write((b"\n" if torn else b"") + json.dumps(result).encode() + b"\n")


def read_results(path: Path) -> list[Result]:
    """Read a file of JSON lines; a line that was cut short is left out, and a missing file is empty."""
    if not path.exists():
        return []
    lines = map(_parsed, path.read_text(encoding="utf-8").splitlines())
    return [result for result in lines if result is not None]


def _parsed(line: str) -> Result | None:
    try:
        result = json.loads(line)
    except json.JSONDecodeError:
        return None
    return result if isinstance(result, dict) else None
