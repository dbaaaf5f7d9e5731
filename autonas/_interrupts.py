"""Ctrl-C and SIGTERM while a fit runs: the first ends it in order, the second at once."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["FitInterrupted", "Interrupts"]


class FitInterrupted(UserWarning):
    """A fit has ended early, by a signal, with the best so far."""


#: What is listened to, and what handles it as long as nobody has chosen otherwise.
DEFAULTS: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Interrupts:
    """Take over the handlers of SIGINT and SIGTERM, in the main thread and where they are Python's own.

    Handlers of the user's are left alone. Afterwards all is as it was.

    Attributes
    ----------
    received : signal.Signals or None
        The first signal.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._waits = True
        self._taken: list[int] = []

    def __enter__(self) -> Interrupts:  # noqa: PYI034 - Self is not in the oldest Python yet
        if threading.current_thread() is threading.main_thread():
            for number, default in DEFAULTS.items():
                if signal.getsignal(number) == default:
                    signal.signal(number, self._handle)
                    self._taken.append(number)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._give_back()
        if self.received is not None and kind is None:
            warnings.warn(
                f"fit was interrupted by {self.received.name}: it has ended early, with the best so far. With a "
                "`run_dir`, the same call goes on from here.",
                FitInterrupted,
                stacklevel=2,
            )

    def stop(self) -> bool:
        """Say whether to end in order."""
        return self.received is not None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let already the first signal end at once what runs in here, since it cannot be asked to end."""
        self._waits = False
        try:
            yield
        finally:
            self._waits = True

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.received is None and self._waits:
            self.received = signal.Signals(number)
        else:
            self._give_back()
            signal.raise_signal(number)

    def _give_back(self) -> None:
        for number in self._taken:
            signal.signal(number, DEFAULTS[signal.Signals(number)])
        self._taken = []
