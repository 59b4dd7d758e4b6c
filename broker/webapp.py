"""The page that is shipped with the broker: its templates, its bundle, its languages. Read once, at start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Assets", "Webapp", "default_folder"]

ENTRY = "src/main.ts"
"""The bundle's entry, as the manifest names it."""
OTHER_ENTRIES = {"operator.html": "src/operator.ts"}
"""Templates that load another one."""


def default_folder() -> Path:
    """Where the page is: inside the wheel, or beside the package in a checkout."""
    inside = Path(__file__).with_name("webapp")
    return inside if inside.is_dir() else Path(__file__).parents[1] / "webapp"


@dataclass(frozen=True)
class Assets:
    """What the page loads, as paths below the base path.

    Attributes:
        scripts: modules.
        styles: style sheets.
        preload: modules that the first ones import.
    """

    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()

    @classmethod
    def of(cls, manifest: Mapping[str, Any], entry_name: str = ENTRY) -> Assets:
        """Read Vite's manifest."""
        entry = manifest.get(entry_name)
        if entry is None:
            return cls()
        styles = dict.fromkeys(entry.get("css", ()))
        preload: dict[str, None] = {}
        waiting = list(entry.get("imports", ()))
        while waiting:
            chunk = manifest[waiting.pop(0)]
            if chunk["file"] not in preload:
                preload[chunk["file"]] = None
                styles |= dict.fromkeys(chunk.get("css", ()))
                waiting += chunk.get("imports", ())
        return cls((entry["file"],), tuple(styles), tuple(preload))


class Webapp:
    """The page. A checkout whose bundle was not built yet has no assets, and says so where the page would be.

    Attributes:
        dist: folder of the bundle.
        assets: what the page loads.
        languages: display name by language key.
    """

    def __init__(self, folder: Path) -> None:
        self.dist = folder / "dist"
        manifest = _json(self.dist / "manifest.json")
        self.assets = Assets.of(manifest)
        self._other_assets = {name: Assets.of(manifest, entry) for name, entry in OTHER_ENTRIES.items()}
        self.languages = _languages(self.dist / "translations")
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, base_path: str, lang: str, config: Mapping[str, Any], **more: str) -> str:
        """Render a page.

        Args:
            template: its file name.
            base_path: where the application is served.
            lang: language key of the page.
            config: what the page's script and its templates may know.
            more: further texts that the template shows.
        """
        found = self._other_assets.get(template, self.assets)
        assets = {
            "scripts": [base_path + path for path in found.scripts],
            "styles": [base_path + path for path in found.styles],
            "preload": [base_path + path for path in found.preload],
        }
        page = self._environment.get_template(template)
        return page.render(base_path=base_path, assets=assets, lang=lang, config=config, **more)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def _languages(folder: Path) -> dict[str, str]:
    """Display names by key; English is always there."""
    found = {path.stem: str(_json(path).get("NAME", path.stem)) for path in sorted(folder.glob("*.json"))}
    return found or {"en": "English"}
