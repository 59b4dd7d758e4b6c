"""The bundles of a site: found, put in order, and made into what the page needs; read anew when they change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import structlog

from broker.extensions.archive import BundleError
from broker.extensions.bundle import Asset, Bundle, read_bundle
from broker.extensions.patching import patch_page
from broker.extensions.texts import FALLBACK, Catalogue, overlay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from broker.extensions.patching import Patch

__all__ = ["Extensions", "Problem", "Registry", "in_order", "load"]

SUFFIXES = frozenset({".jar", ".zip"})
CSS, JS = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
REST = "*"
"""In `extension-priority`: everything that is not named."""
SITE_NAME = "APP.NAME"
"""The text by which Guacamole's themes name the site."""
ICON = re.compile(r'<link rel="icon"[^>]*>')
MAX_BUNDLES = 100
MAX_WATCHED = 5000
"""Files that are looked at for changes."""
MAX_PAGES = 64
"""Patched pages that are remembered: each language has a few."""


class Problem(NamedTuple):
    """A bundle that is not used.

    Attributes:
        file: its folder's or archive's name.
        reason: one sentence.
    """

    file: str
    reason: str


@dataclass(frozen=True)
class Extensions:
    """What is in use, until the next reading.

    Attributes:
        bundles: in order.
        problems: those that are skipped.
    """

    bundles: tuple[Bundle, ...] = ()
    problems: tuple[Problem, ...] = ()
    _pages: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """All patches, in order."""
        return tuple(patch for bundle in self.bundles for patch in bundle.patches)

    @cached_property
    def styles(self) -> dict[str, Asset]:
        """Style sheets that the page loads, one for each bundle: addresses in them are relative to the base path."""
        sheets = (Asset(bundle.css.encode(), CSS) for bundle in self.bundles if bundle.css)
        return {f"app.{sheet.tag}.css": sheet for sheet in sheets}

    @cached_property
    def scripts(self) -> dict[str, Asset]:
        """Modules that the page loads, each on its own: one that fails leaves the others."""
        texts = (text for bundle in self.bundles for text in bundle.scripts)
        modules = (Asset(text.encode(), JS) for text in texts)
        return {f"app.{module.tag}.js": module for module in modules}

    @cached_property
    def icon(self) -> str:
        """The page's icon, below the base path; empty where no bundle has one."""
        return next((name for name in self.files if name.startswith("images/")), "")

    @cached_property
    def has_texts(self) -> bool:
        """Whether any bundle changes texts or adds a language."""
        return any(bundle.catalogues for bundle in self.bundles)

    @cached_property
    def files(self) -> dict[str, Asset]:
        """Everything that is served, by its path below the base path."""
        served: dict[str, Asset] = {}
        for bundle in self.bundles:
            for size, icon in bundle.icons.items():
                served.setdefault(f"images/logo-{size}.png", icon)
            for name, resource in bundle.resources.items():
                served[f"app/ext/{bundle.manifest.namespace}/{name}"] = resource
        together = {"app.css": (self.styles, CSS), "app.js": (self.scripts, JS)}
        for name, (parts, media_type) in together.items():
            served |= parts
            served[name] = Asset(b"\n".join(part.body for part in parts.values()), media_type)
        return served

    def languages(self, shipped: Mapping[str, str]) -> dict[str, str]:
        """Display names by language key."""
        keys = dict.fromkeys(key for bundle in self.bundles for key in bundle.catalogues)
        return {**shipped, **{key: self._text(key, "NAME") or shipped.get(key, key) for key in keys}}

    def catalogue(self, shipped: Mapping[str, str], language: str) -> Catalogue:
        """The texts of a language, those of bundles over those that are shipped."""
        return overlay(shipped, [bundle.catalogues for bundle in self.bundles], language)

    def site_name(self, language: str) -> str:
        """What bundles call the site; empty where none does."""
        return self._text(language, SITE_NAME) or self._text(FALLBACK, SITE_NAME)

    def _text(self, language: str, name: str) -> str:
        """What the last bundle that has this text says."""
        found = (bundle.catalogues.get(language, {}).get(name, "") for bundle in reversed(self.bundles))
        return next(filter(None, found), "")

    def dress(self, page: str, base_path: str, *, patched: bool = True) -> str:
        """A rendered page as bundles have it; the same page costs nothing the second time.

        Args:
            page: a whole page of ours.
            base_path: where the application is served.
            patched: whether patches are for it, or icon, styles and modules alone.
        """
        page = self._with_head(page, base_path)
        return self._patched(page) if patched and self.patches else page

    def _with_head(self, page: str, base_path: str) -> str:
        """Names of files and base paths need no quoting."""
        added = [
            *(f'<link rel="stylesheet" href="{base_path}{name}">' for name in self.styles),
            *(f'<script type="module" src="{base_path}{name}"></script>' for name in self.scripts),
        ]
        if self.icon:
            page = ICON.sub(
                f'<link rel="icon" type="image/png" href="{base_path}{self.icon}">', page, count=1
            )
        return page.replace("</head>", f"{''.join(added)}</head>", 1) if added else page

    def _patched(self, page: str) -> str:
        if page not in self._pages:
            if len(self._pages) >= MAX_PAGES:
                self._pages.clear()
            self._pages[page], missed = patch_page(page, self.patches)
            for reason in missed:
                structlog.get_logger().warning("patch without effect", reason=reason)
        return self._pages[page]


def load(directory: Path, priority: Sequence[str], *, expected: bool = False) -> Extensions:
    """Read every bundle of a directory; one that is broken is a problem of its own.

    Args:
        directory: holds folders and archives; other files are none of ours.
        priority: namespaces that come first, and `*` for all others.
        expected: whether it is a problem if there is no such directory.
    """
    if expected and not directory.is_dir():
        return Extensions(problems=(Problem(str(directory), "there is no such directory"),))
    bundles: dict[str, Bundle] = {}
    problems = []
    try:
        paths = _candidates(directory)
    except OSError as error:
        return Extensions(problems=(Problem(directory.name, f"it cannot be read: {error.strerror}"),))
    for path in paths:
        try:
            bundle = read_bundle(path)
            first = bundles.setdefault(bundle.manifest.namespace, bundle)
            if first is not bundle:
                raise BundleError(f"{first.file} has the same namespace, {bundle.manifest.namespace}")
        except BundleError as error:
            problems.append(Problem(path.name, str(error)))
    return Extensions(tuple(in_order(bundles, priority)), tuple(problems))


def in_order(bundles: Mapping[str, Bundle], priority: Sequence[str]) -> Iterator[Bundle]:
    """Bundles as `extension-priority` has them; the others by file name, at the `*` or at the end."""
    named = [name for name in dict.fromkeys(priority) if name in bundles or name == REST]
    rest = [name for name in bundles if name not in named]
    for name in named if REST in named else [*named, REST]:
        yield from (bundles[one] for one in (rest if name == REST else [name]))


def _candidates(directory: Path) -> list[Path]:
    if not directory.exists():
        return []
    paths = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    return [path for path in paths if path.suffix in SUFFIXES or path.is_dir()][:MAX_BUNDLES]


class Registry:
    """Holds what is in use, and reads it anew.

    Attributes:
        current: what is in use.
    """

    def __init__(self, directory: Path, priority: Sequence[str], *, expected: bool = False) -> None:
        self._directory = directory
        self._priority = priority
        self._expected = expected
        self._used: frozenset[object] | None = None
        self._seen: frozenset[object] | None = None
        self._before: dict[str, Asset] = {}
        self.current = Extensions()
        self.reload()

    def file(self, path: str) -> Asset | None:
        """What is served below the base path; pages that were loaded just before a reading find theirs too."""
        return self.current.files.get(path) or self._before.get(path)

    def changed(self) -> bool:
        """Whether there is something to read, and nobody is still writing it: it looks as it did the last time."""
        now = self._look()
        settled, self._seen = now == self._seen, now
        return now != self._used and (settled or self._used is None)

    def expire(self) -> None:
        """Have everything read anew, changed or not."""
        self._used = None

    def reload(self) -> None:
        """Read everything, and say what is found. For a thread: it may take a second."""
        self._used = self._look()
        found = load(self._directory, self._priority, expected=self._expected)
        self._before = self.current.styles | self.current.scripts
        self.current = found
        _tell(found)

    def _look(self) -> frozenset[object]:
        """Size and time of every file."""
        try:
            return frozenset(_stamps(_walk(_candidates(self._directory))))
        except OSError:
            return frozenset()


def _walk(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield path
        if path.is_dir():
            yield from path.rglob("*")


def _stamps(paths: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for path, _ in zip(paths, range(MAX_WATCHED), strict=False):
        try:
            found = path.stat()
        except OSError:
            continue
        yield str(path), found.st_mtime_ns, found.st_size


def _tell(extensions: Extensions) -> None:
    log = structlog.get_logger()
    for problem in extensions.problems:
        log.error("extension skipped", extension=problem.file, reason=problem.reason)
    for bundle in extensions.bundles:
        log.info("extension in use", extension=bundle.file, name=bundle.manifest.name)
        for warning in bundle.warnings:
            log.warning("extension in part without effect", extension=bundle.file, reason=warning)
