"""Bundles to test with: folders out of a table of files, and archives of them."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MINIMAL = {"guacamoleVersion": "*", "name": "Example", "namespace": "example"}

PAGE = """<!doctype html><html lang="en"><head><title>x</title><link rel="icon" href="/images/logo.svg"></head><body>
<div id="content" class="viewport">
<main class="login-ui" id="sign-in"><p class="login-error"></p><div class="login-dialog"><p class="logo">Logo</p></div></main>
<main class="home-view" id="home"><ul class="all-connections"></ul></main>
<main class="client-view" id="session"><div class="client-view-content"><b>one</b></div></main>
<dialog class="menu" id="guac-menu"><div class="menu-body"><details id="clipboard-settings"></details></div></dialog>
</div></body></html>"""


def files(contents: Mapping[str, str | bytes] | None = None, **manifest: Any) -> dict[str, bytes]:
    """The files of a bundle whose manifest says this, besides what it has to."""
    found = {"guac-manifest.json": json.dumps(MINIMAL | manifest)} | dict(contents or {})
    return {name: text.encode() if isinstance(text, str) else text for name, text in found.items()}


def folder(path: Path, contents: Mapping[str, bytes]) -> Path:
    """A folder with these files."""
    for name, content in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def archive(path: Path, contents: Mapping[str, bytes]) -> Path:
    """A packed bundle with these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    return path
