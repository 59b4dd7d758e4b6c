"""Logging set-up of the broker: one line an event, JSON or text, secrets removed before anything is written."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

import structlog
from aiohttp.http import HttpProcessingError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from broker.settings import Settings

__all__ = ["configure", "redact"]

SECRET_NAMES = re.compile(
    r"pass(word|phrase)|private|secret|token|signature|credential|cookie|authorization|jwt", re.IGNORECASE
)
SECRET_TEXT = re.compile(
    r"-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|\Z)"  # a key file
    r"|\b[0-9A-F]{64}\b"  # a token
    r"|(?<=signature=)[^&\s]+|(?<=password=)[^&\s]*|(?<=token=)[^&\s]+|(?<=jwt=)[^&\s]+",  # a link
    re.DOTALL,
)
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
HIDDEN = "(hidden)"
MAX_TEXT = 2000
"""Characters of one value in a line; an exception's text is left whole."""


def redact(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """A structlog step: secrets are hidden by name and by shape, and no value can begin a line of its own."""
    for name, value in event.items():
        if name != "event" and SECRET_NAMES.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            text = SECRET_TEXT.sub(HIDDEN, value)
            event[name] = text if name == "exception" else CONTROLS.sub("\ufffd", text[:MAX_TEXT])
        elif value is not None and not isinstance(value, bool | int | float):
            event[name] = SECRET_TEXT.sub(HIDDEN, CONTROLS.sub("\ufffd", str(value)[:MAX_TEXT]))
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
    handler.addFilter(_tell_broken_requests)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    # aiohttp's own access log would write query strings, and its debug lines request lines
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _tell_broken_requests(record: logging.LogRecord) -> bool:
    """A filter: of bytes that are no request aiohttp would write some, and a token may be among them. Here it is one line."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg = f"{record.getMessage()}: no HTTP, {type(error).__name__}"
        record.args, record.exc_info, record.exc_text = (), None, None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True
