"""`guac-manifest.json`: what a bundle says of itself (Guacamole's extension format)."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from broker.extensions.archive import BundleError, check_name

__all__ = ["Manifest", "parse_json", "parse_manifest"]

SERVES = (1, 6, 1)
"""The version of Guacamole whose extensions are known to find what they need."""
VERSION = re.compile(r"\*|(\d{1,4})\.(\d{1,4})\.(\d{1,4})([-.\w]{0,40})")
NAMESPACE = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"
MEDIA_TYPE = r"^[a-z]+/[A-Za-z0-9.+_-]{1,100}( ?; ?charset=[A-Za-z0-9_-]{1,30})?$"
MAX_FILES = 200
"""Files of one kind that a manifest may name."""


def _file(name: str) -> str:
    try:
        check_name(name)
    except BundleError as error:
        raise ValueError(str(error)) from None
    return name


def _version(text: str) -> str:
    if not VERSION.fullmatch(text):
        raise ValueError("should be * or like 1.6.0")
    return text


File = Annotated[str, AfterValidator(_file)]
FileList = Annotated[tuple[File, ...], Field(max_length=MAX_FILES)]


class Manifest(BaseModel):
    """What a bundle says of itself; file names are paths inside it.

    Attributes:
        guacamole_version: `*`, or the version of Guacamole it was written for.
        name: for people.
        namespace: folder of its resources below `app/ext/`, and its name in `extension-priority`.
        css: style sheets.
        js: modules.
        html: patches.
        translations: catalogues, named `LANGUAGE.json`.
        resources: media type by file, for whatever else it has browsers load.
        small_icon: a PNG of 64 pixels.
        large_icon: a PNG of 144 pixels.
        auth_providers: Java classes, which do not run here.
        listeners: the same.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)

    guacamole_version: Annotated[str, AfterValidator(_version)]
    name: str = Field(min_length=1, max_length=200)
    namespace: str = Field(pattern=NAMESPACE)
    css: FileList = ()
    js: FileList = ()
    html: FileList = ()
    translations: FileList = ()
    resources: dict[File, Annotated[str, Field(pattern=MEDIA_TYPE)]] = Field({}, max_length=5 * MAX_FILES)
    small_icon: File | None = None
    large_icon: File | None = None
    auth_providers: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()


def parse_manifest(data: bytes) -> tuple[Manifest, list[str]]:
    """Read a manifest, and say what of it has no effect here.

    Raises:
        BundleError: it is not one.
    """
    raw = parse_json(data)
    try:
        manifest = Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{where}: {first['msg']}") from None
    return manifest, [*_without_effect(manifest, raw)]


def parse_json(data: bytes) -> dict[str, Any]:
    """A JSON object out of UTF-8.

    Raises:
        BundleError: it is not one, or nested beyond reason.
    """
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BundleError("not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise BundleError(f"not JSON: {str(error)[:120]}") from None
    if not isinstance(value, dict):
        raise BundleError("not a JSON object")
    return value


def _without_effect(manifest: Manifest, raw: dict[str, Any]) -> list[str]:
    java = (name for name in ("authProviders", "listeners") if raw.get(name))
    said = [f"{name} are Java classes: they do not run here" for name in java]
    known = {field.alias for field in Manifest.model_fields.values()}
    if unknown := sorted(raw.keys() - known):
        said.append(f"unknown in a manifest: {', '.join(unknown)[:200]}")
    match = VERSION.fullmatch(manifest.guacamole_version)
    if match is not None and match[1] is not None:
        major, minor, patch = (int(number) for number in match.groups()[:3])
        if major != SERVES[0] or (minor, patch) > SERVES[1:]:
            said.append(f"written for Guacamole {manifest.guacamole_version}: see whether all of it fits")
    return said
