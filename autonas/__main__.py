"""``python -m autonas``, the same program as ``autonas``."""

import sys

from autonas.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
