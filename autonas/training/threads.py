"""Threads: pieces of work side by side, each with one thread of torch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

__all__ = ["one_thread", "side_by_side"]

T = TypeVar("T")
S = TypeVar("S")


@contextmanager
def one_thread() -> Iterator[int]:
    """Let torch use one thread for an operation; gives the number that it was, for trials to run side by side.

    Networks for tables are too small to gain from threads inside an operation, and with other work on the machine
    threads that wait for each other cost a multiple; trials side by side use the other cores better.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


def side_by_side(function: Callable[[T], S], pieces: Sequence[T]) -> list[S]:
    """Call a function for each piece, as many at once as torch has threads.

    Parameters
    ----------
    function : callable
    pieces : sequence

    Returns
    -------
    list
        What it gave, in their order.
    """
    with one_thread() as n_threads:
        if min(n_threads, len(pieces)) < 2:
            return [function(piece) for piece in pieces]
        with ThreadPoolExecutor(min(n_threads, len(pieces))) as pool:
            return list(pool.map(function, pieces))
