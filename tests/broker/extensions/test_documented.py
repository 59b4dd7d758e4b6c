"""The reference says all that a theme can rely on."""

from __future__ import annotations

import re
from pathlib import Path

from broker.extensions.manifest import Manifest
from broker.extensions.patching import OPERATIONS

REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "theming.md").read_text("utf-8")


def rows(section: str) -> set[str]:
    """What the first columns of a section's tables name."""
    text = re.split(r"^## ", REFERENCE, flags=re.MULTILINE)
    (found,) = [part for part in text if part.startswith(f"{section}\n")]
    return {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", found, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }


def test_every_key_of_a_manifest() -> None:
    assert rows("Bundles") == {field.alias for field in Manifest.model_fields.values()}


def test_every_operation() -> None:
    assert rows("Patches") >= OPERATIONS.keys()
