"""The command line ``autonas``: what people type who need no Python.

One file a topic: :mod:`~autonas.cli.app` has the commands and their options, and the others what these do. Nothing slow
is imported before a command needs it.
"""

from autonas.cli.app import main

__all__ = ["main"]
