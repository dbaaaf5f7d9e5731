"""One run, one process: two that write the same folder would spoil each other's records."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil

__all__ = ["locked", "made_folder"]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, which names the process and its host.

    The lock is the system's (``flock``), so it ends with its process, however that ends. Where the file system has no
    such locks, the process that the file names decides: one that is no more has left the lock to others.

    Parameters
    ----------
    path : Path
        The file; it stays there, empty.

    Raises
    ------
    ValueError
        If another process, or another thread of this one, has it; or if the folder cannot be written.
    """
    with _opened(path) as file:
        holder = _holder(file)
        if not _take(file, holder):
            who = f"process {holder['pid']} on {holder['host']}" if holder else "another process"
            raise ValueError(
                f"The run in {str(path.parent)!r} is in use by {who}: wait until it has ended, or pass another "
                f"`run_dir`. (The lock is {str(path)!r}.)"
            )
        _put(file, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        try:
            yield
        finally:
            _put(file, "")


def made_folder(path: Path) -> Path:
    """Make a run's folder, if it is not there.

    Raises
    ------
    ValueError
        If it cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(folder: Path, error: OSError) -> ValueError:
    return ValueError(f"`run_dir` is {str(folder)!r}, which cannot be written ({error}); pass another one.")


def _opened(path: Path) -> IO[str]:
    try:
        return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8")  # noqa: PTH123
    except OSError as error:
        raise _unwritable(path.parent, error) from error


def _holder(file: IO[str]) -> dict[str, object]:
    try:
        content = json.loads(file.read())
        return {"pid": int(content["pid"]), "host": str(content["host"])}
    except (ValueError, TypeError, KeyError):
        return {}


def _put(file: IO[str], text: str) -> None:
    with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
        file.seek(0)
        file.truncate()
        file.write(text)
        file.flush()


def _take(file: IO[str], holder: dict[str, object]) -> bool:
    try:
        import fcntl  # noqa: PLC0415 - not on every system

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError) as error:
        if getattr(error, "errno", None) in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        # What ran on another host cannot be asked.
        here = holder.get("host") == socket.gethostname()
        return not holder or (here and not psutil.pid_exists(int(str(holder["pid"]))))
    return True
