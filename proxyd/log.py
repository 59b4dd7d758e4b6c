"""Logging set-up of proxyd: one line an event, JSON or text, secrets removed before anything is written."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from proxyd.settings import Settings

__all__ = ["configure", "redact"]

SECRET_NAMES = re.compile(r"pass(word|phrase)|private|secret|token|signature|credential", re.IGNORECASE)
SECRET_TEXT = re.compile(r"-----BEGIN [^-]*PRIVATE KEY-----.*?(-----END [^-]*-----|\Z)", re.DOTALL)
HIDDEN = "(hidden)"


def redact(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """A structlog step: values under secret-looking names, and private keys inside any text, are hidden."""
    for name, value in event.items():
        if name != "event" and SECRET_NAMES.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = SECRET_TEXT.sub(HIDDEN, value)
    return event


def configure(settings: Settings) -> None:
    """Send our own lines and those of libraries to standard error in one format."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.types.Processor
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    # asyncssh tells every packet exchange at info, and passwords at its debug level 3: warnings are enough
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
