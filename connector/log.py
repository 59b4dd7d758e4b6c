"""The connector's log: JSON lines in a file that rotates, and the same on standard error."""

from __future__ import annotations

import logging
import sys
from collections import deque
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

    from connector.settings import Settings

__all__ = ["configure", "tail"]

MAX_LINE = 4096


def configure(settings: Settings) -> None:
    """Set up logging.

    Raises:
        OSError: the file cannot be written.
    """
    file = RotatingFileHandler(
        settings.log_path, maxBytes=settings.log_size, backupCount=settings.log_files, encoding="utf-8"
    )
    handlers: list[logging.Handler] = [file, logging.StreamHandler(sys.stderr)]
    logging.basicConfig(format="%(message)s", handlers=handlers, force=True, level=logging.WARNING)
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    logging.getLogger("connector").setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log, each cut to a length; none where it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as opened:
            return [line.rstrip("\n")[:MAX_LINE] for line in deque(opened, lines)]
    except OSError:
        return []
