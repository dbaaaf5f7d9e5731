"""A Dask cluster in place of this machine: here a scheduler and two workers on loopback. About half a minute.

On several hosts start them as docs/scaling.md says, and pass the scheduler's address to ``Client``; all else stays.
A worker is killed on the way: its trial runs again on the other one, from its last checkpoint.
"""

import logging
import os
import signal
import tempfile
import threading

from distributed import Client, LocalCluster
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from autonas import AutoNASClassifier


def kill_one(client, after):
    """Kill the process of one worker after some seconds."""
    pid = min(client.run(os.getpid).values())
    timer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
    timer.start()
    return pid


def main():
    """Fit on the cluster."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR) as cluster,
        Client(cluster) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        print(f"killing worker process {kill_one(client, after=8)} in 8 seconds")
        clf = AutoNASClassifier(client=client, run_dir=f"{folder}/run", time_limit=20, random_state=0)
        clf.fit(X_train, y_train)
        print(f"{len(clf.history_.trials)} trials, {len(clf.failures())} failed")
        print(f"test accuracy {clf.score(X_test, y_test):.3f}")


if __name__ == "__main__":  # a worker process imports this file too
    main()
