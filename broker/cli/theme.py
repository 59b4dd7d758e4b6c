"""`fanlight theme`: begin a theme, check it as the broker would read it, and pack it."""

from __future__ import annotations

import re
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.outcome import CommandError, Exit, paint, print_json

if TYPE_CHECKING:
    from broker.extensions.bundle import Bundle

__all__ = ["app"]

app = typer.Typer(help="Begin, check and pack themes and other extensions.")

Theme = Annotated[Path, typer.Argument(help="The theme's folder, `.jar` or `.zip`.")]
Folder = Annotated[Path, typer.Argument(help="The theme's folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive: the same files give the same archive."""
SHOWN = ("portal_url", "portal_name", "help_url", "help_name", "banner")
"""Settings that bring elements of the page."""


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Where it shall be; its name becomes the namespace.")],
    name: Annotated[
        str | None, typer.Option(help="What people call it; by default the folder's name.")
    ] = None,
) -> None:
    """Begin a theme: colours, a logo, a line on the sign-in page and its text, to be changed."""
    from broker import extensions

    namespace = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-")
    if not namespace:
        raise CommandError(f"{folder}: its name has no letter to make a namespace of", Exit.USAGE)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(f"{folder} is there already, and not empty", Exit.USAGE)
    called = name or namespace
    if '"' in called or "\\" in called or not called.isprintable() or len(called) > 100:
        raise CommandError(
            "--name: up to 100 printable characters without quotes and backslashes", Exit.USAGE
        )
    starter = Path(extensions.__file__).with_name("starter")
    for file in sorted(path for path in starter.rglob("*") if path.is_file()):
        text = file.read_text("utf-8").replace("@namespace@", namespace).replace("@name@", called)
        target = folder / file.relative_to(starter)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    print(f"{folder} is a theme now. Change it, then: fanlight theme check {folder}")


@app.command()
def check(theme: Theme, json: Json = False) -> None:
    """Read a theme as the broker would, try its patches on the page, and say what has no effect."""
    bundle = _read(theme)
    doubts = [*bundle.warnings, *_missed(bundle)]
    if json:
        print_json({"namespace": bundle.manifest.namespace, "name": bundle.manifest.name, "doubts": doubts})
        return
    for doubt in doubts:
        print(f"{paint('!', 'bold')} {doubt}")
    print(
        f"{paint('✓', 'green')} {bundle.manifest.name} can be used: {', '.join(_contents(bundle)) or 'it is empty'}"
    )


@app.command()
def pack(
    folder: Folder,
    output: Annotated[Path | None, typer.Option(help="By default NAMESPACE.jar where you are.")] = None,
) -> None:
    """Pack a theme into a `.jar` for `extension-directory`; the same files always give the same archive."""
    if not folder.is_dir():
        raise CommandError(f"{folder} is not a folder", Exit.USAGE)
    namespace = _read(folder).manifest.namespace
    target = output or Path(f"{namespace}.jar")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    wanted = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
    with zipfile.ZipFile(target, "w") as archive:
        for name in wanted:
            if (folder / name).resolve() == target.resolve():
                continue
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o100644 << 16,
            )
            archive.writestr(entry, (folder / name).read_bytes(), compresslevel=9)
    _read(target)
    print(target)


def _read(theme: Path) -> Bundle:
    from broker.extensions.archive import BundleError
    from broker.extensions.bundle import read_bundle

    if not theme.exists():
        raise CommandError(f"{theme} is not there", Exit.USAGE)
    try:
        return read_bundle(theme)
    except BundleError as error:
        raise CommandError(f"{theme}: {error}") from None


def _missed(bundle: Bundle) -> list[str]:
    """What patches look for and the page does not have."""
    from broker.extensions.patching import patch_page
    from broker.webapp import Webapp, default_folder

    config: dict[str, Any] = {"name": "Fanlight", "version": version("fanlight"), **dict.fromkeys(SHOWN, "x")}
    page = Webapp(default_folder()).render("page.html", "/guacamole/", "en", config)
    return patch_page(page, bundle.patches).missed


def _contents(bundle: Bundle) -> list[str]:
    counts = {
        "style sheets": len(bundle.manifest.css),
        "modules": len(bundle.manifest.js),
        "patches": len(bundle.patches),
        "languages": len(bundle.catalogues),
        "resources": len(bundle.resources),
    }
    return [f"{what}: {count}" for what, count in counts.items() if count]
