"""One bundle, read and checked whole: after this nothing in it can fail."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.extensions.archive import MANIFEST, BundleError, open_files
from broker.extensions.inline import Inline
from broker.extensions.manifest import Manifest, parse_json, parse_manifest
from broker.extensions.patching import Patch, parse_patch
from broker.extensions.texts import Catalogue, flatten, language_of

if TYPE_CHECKING:
    from pathlib import Path

    from broker.extensions.archive import Files

__all__ = ["Asset", "Bundle", "read_bundle"]

MAX_MANIFEST = 256 << 10
MAX_TEXT = 1 << 20
"""Bytes of a style sheet, module or catalogue."""
MAX_PATCH, MAX_PATCHES = 256 << 10, 1 << 20
"""Bytes of a patch, and characters of all of a bundle."""
MAX_RESOURCE = 8 << 20
LOGO, LOGO_RULE = "--fl-logo:", ".logo { background-image: var(--fl-logo); }"
"""Browsers take the address in a variable as relative to the style sheet that uses it: the bundle's own does."""
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Asset:
    """What is served under one address.

    Attributes:
        body: its bytes.
        media_type: as browsers are told.
    """

    body: bytes
    media_type: str

    @property
    def tag(self) -> str:
        """Names this content, in file names and as entity tag."""
        return hashlib.sha256(self.body).hexdigest()[:16]


@dataclass(frozen=True)
class Bundle:
    """A bundle that can be used.

    Attributes:
        file: its folder's or archive's name.
        manifest: what it says of itself.
        css: its style sheets, with what patches brought inline.
        scripts: its modules.
        patches: its patches.
        catalogues: its texts by language.
        resources: its other files by path.
        icons: PNG by size in pixels.
        warnings: what of it has no effect, one sentence each.
    """

    file: str
    manifest: Manifest
    css: str
    scripts: tuple[str, ...]
    patches: tuple[Patch, ...]
    catalogues: dict[str, Catalogue]
    resources: dict[str, Asset]
    icons: dict[int, Asset]
    warnings: tuple[str, ...]


def read_bundle(path: Path) -> Bundle:
    """Read a bundle.

    Args:
        path: its folder, `.jar` or `.zip`.

    Raises:
        BundleError: it is hostile, broken, or not a bundle.
    """
    files = open_files(path)
    manifest, warnings = _manifest(files)
    inline = Inline()
    sources = {name: _text(files, name, MAX_PATCH) for name in manifest.html}
    if sum(len(source) for source in sources.values()) > MAX_PATCHES:
        raise BundleError(f"its patches have more than {MAX_PATCHES} characters together")
    patches = tuple(parse_patch(f"{path.name}: {name}", text, inline) for name, text in sources.items())
    css = "\n".join((*(_text(files, name, MAX_TEXT) for name in manifest.css), inline.css)).strip()
    modules = [_text(files, name, MAX_TEXT) for name in manifest.js]
    resources = _resources(files, manifest, warnings)
    return Bundle(
        file=path.name,
        manifest=manifest,
        css=f"{css}\n{LOGO_RULE}" if LOGO in css else css,
        scripts=tuple(script for script in (*modules, inline.js) if script),
        patches=patches,
        catalogues=_catalogues(files, manifest),
        resources=resources,
        icons=_icons(files, manifest, warnings),
        warnings=(*warnings, *dict.fromkeys(inline.said)),
    )


def _manifest(files: Files) -> tuple[Manifest, list[str]]:
    data = files.read(MANIFEST, MAX_MANIFEST)
    try:
        return parse_manifest(data)
    except BundleError as error:
        raise BundleError(f"{MANIFEST}: {error}") from None


def _text(files: Files, name: str, limit: int) -> str:
    try:
        return files.read(name, limit).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BundleError(f"{name} is not UTF-8") from None


def _resources(files: Files, manifest: Manifest, warnings: list[str]) -> dict[str, Asset]:
    """Files that browsers ask for; one that is not there is only missed by those who ask."""
    found = {}
    for name, media_type in manifest.resources.items():
        try:
            found[name] = Asset(files.read(name, MAX_RESOURCE), media_type)
        except BundleError as error:
            warnings.append(str(error))
    return found


def _catalogues(files: Files, manifest: Manifest) -> dict[str, Catalogue]:
    catalogues: dict[str, Catalogue] = {}
    for name in manifest.translations:
        try:
            texts = flatten(parse_json(files.read(name, MAX_TEXT)))
        except BundleError as error:
            raise BundleError(f"{name}: {error}") from None
        catalogues.setdefault(language_of(name), {}).update(texts)
    return catalogues


def _icons(files: Files, manifest: Manifest, warnings: list[str]) -> dict[int, Asset]:
    icons = {}
    for size, name in ((64, manifest.small_icon), (144, manifest.large_icon)):
        if name is not None:
            icon = files.read(name, MAX_TEXT)
            if icon.startswith(PNG):
                icons[size] = Asset(icon, "image/png")
            else:
                warnings.append(f"{name} is no PNG: the page keeps its icon")
    return icons
