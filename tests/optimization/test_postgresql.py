"""The history in a PostgreSQL server, which the tests start and end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from autonas.optimization import search
from tests.optimization.spaces import conditional, objective
from tests.optimization.test_resume import records

pytest.importorskip("psycopg", reason="needs psycopg: pip install 'autonas[postgresql]'")
ROOT = Path(__file__).parents[2]
OPTIONS = {"optimizer": ("random", "successive_halving"), "n_trials": 9, "max_fidelity": 9, "random_state": 1}


@pytest.fixture(scope="module")
def url():
    """Start a server of an empty database; as root, who may not, in the name of the user postgres."""
    program = shutil.which("postgres") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/postgres")), default="")
    if not program:
        pytest.skip("needs a PostgreSQL server: apt-get install postgresql")
    as_user = {}
    if os.geteuid() == 0:
        try:
            as_user = {"user": pwd.getpwnam("postgres").pw_uid}
        except KeyError:
            pytest.skip("a PostgreSQL server does not run as root, and there is no user postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="autonas-", ignore_cleanup_errors=True) as folder:
        data = Path(folder, "data")
        data.mkdir()
        if as_user:
            Path(folder).chmod(0o711)
            os.chown(data, as_user["user"], -1)
        initdb = Path(program).with_name("initdb")
        quiet = {"cwd": data, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **as_user}
        subprocess.run([initdb, "-D", data, "-U", "me", "--auth=trust", "--no-sync"], check=True, **quiet)
        command = [program, "-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1", "-F"]
        server = subprocess.Popen(command, **quiet)
        try:
            _wait_for(port, server)
            yield f"postgresql+psycopg://me@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def _wait_for(port, server):
    import psycopg

    for _ in range(200):
        assert server.poll() is None, "the server has ended"
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="me", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not answer")


PIECE = """
import os, signal, sys, time
from autonas.optimization import search
from tests.optimization.spaces import conditional, objective
from tests.optimization.test_postgresql import OPTIONS

calls = 0

def slow(configuration, fidelity):
    global calls
    calls += 1
    if calls == 6 and sys.argv[3] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    print(calls, flush=True)
    if sys.argv[3] == "wait":
        time.sleep(60)
    return objective(configuration, fidelity)

search(slow, conditional(), run_dir=sys.argv[1], storage=sys.argv[2], **OPTIONS)
"""


def piece(run_dir, url, what):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PIECE), str(run_dir), url, what],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_one_process_is_killed_and_another_goes_on(url, tmp_path):
    first = piece(tmp_path / "run", url, "die")
    out, _ = first.communicate(timeout=120)
    assert first.returncode == -signal.SIGKILL
    assert out.split() == list("12345")
    assert not (tmp_path / "run" / "history.db").exists()
    second = piece(tmp_path / "run", url, "go on")
    out, error = second.communicate(timeout=120)
    assert second.returncode == 0, error
    whole = search(objective, conditional(), **OPTIONS)
    assert len(out.split()) == sum(len(trial.results) for trial in whole.trials) - 5, "nothing runs twice"
    history = search(objective, conditional(), run_dir=tmp_path / "run", storage=url, **OPTIONS)
    for one, other in zip(records(history), records(whole), strict=True):
        assert one == other
    assert len(history.study.trials) == 9
    history._store.close()  # the study's connection


def test_two_processes_at_once(url, tmp_path):
    """Of one run: the second is told. Of two runs in one database: neither minds."""
    first = piece(tmp_path / "run", url, "wait")
    try:
        assert first.stdout.readline() == "1\n"
        with pytest.raises(ValueError, match="in use"):
            search(objective, conditional(), run_dir=tmp_path / "run", storage=url, **OPTIONS)
        other = search(objective, conditional(), run_dir=tmp_path / "other", storage=url, **OPTIONS)
        assert records(other) == records(search(objective, conditional(), **OPTIONS))
    finally:
        first.kill()
        first.communicate()
