"""Commands in processes of their own which have torch from the start: a server imports it once, and forks."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.cli.preloaded"])


def autonas(*arguments, cwd=None):
    """Run a command in a process of its own, and give its exit code and what it printed."""
    argv = list(map(str, arguments))
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("out", "err")]
        process = SERVER.Process(target=_run, args=(argv, cwd or Path.cwd(), *files))
        process.start()
        process.join()
        out, err = (file.read_text() for file in files)
    return subprocess.CompletedProcess(argv, process.exitcode, out, err)


def good(*arguments, cwd=None):
    """Run a command that must succeed."""
    done = autonas(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def _run(argv, cwd, *files):
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(cwd)
    sys.argv = ["autonas", *argv]
    from autonas.cli import main

    sys.exit(main())
