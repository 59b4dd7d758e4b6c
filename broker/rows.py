"""Records that are JSON of a dataclass. The store may hold what others wrote: it is checked, and what is not ours is none."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)

__all__ = ["read_row", "written"]


def written(row: DataclassInstance) -> bytes:
    """A row as the store has it; the same one is always written alike."""
    return json.dumps(asdict(row)).encode()


def read_row(shape: type[Row], value: bytes) -> Row | None:
    """What was written; None for a record that is forged, and the log says so. What a newer broker added is left out.

    Args:
        shape: the dataclass; its fields are of plain types.
        value: as the store has it.
    """
    try:
        row: Row = _adapter(shape).validate_json(value)
    except ValidationError:
        structlog.get_logger().warning("a record is not ours", record=shape.__name__)
        return None
    return row


@cache
def _adapter(shape: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(shape)
