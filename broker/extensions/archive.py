"""The files of a bundle, out of a folder, a `.jar` or a `.zip`.

Everything in a bundle is foreign: names stay inside it, every size is bounded before memory is taken, and whatever is
wrong is one `BundleError`. Limits are far above what themes need.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MANIFEST", "BundleError", "Files", "check_name", "open_files"]

MANIFEST = "guac-manifest.json"
"""Where a bundle says what it is."""

MAX_ARCHIVE = 64 << 20
"""Bytes of an archive."""
MAX_ENTRIES = 20_000
"""Entries of an archive; Java extensions have thousands."""
MAX_DIRECTORY = 4 << 20
"""Bytes of an archive's table of contents."""
MAX_NAME = 512
MAX_READ = 32 << 20
"""Bytes that all files together may give."""
MAX_RATIO, SMALL = 200, 1 << 16
"""A file may not be larger than this many times what it is packed to, once it is not small (bytes)."""

END = struct.Struct("<4s4H2LH")
"""The record that ends a zip archive (APPNOTE 4.3.16)."""
END_MAGIC, ZIP64_MAGIC = b"PK\5\6", b"PK\6\7"
ENCRYPTED = 0x1
MADE_ON_UNIX = 3

Corrupt = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error, struct.error)


class BundleError(Exception):
    """A bundle cannot be used. The text is one sentence that says why."""


class Files(ABC):
    """Files by name; together they give a bounded number of bytes."""

    def __init__(self) -> None:
        self._left = MAX_READ

    def read(self, name: str, limit: int) -> bytes:
        """A file's content.

        Args:
            name: path inside the bundle, with slashes.
            limit: bytes it may have.

        Raises:
            BundleError: it is not there, too large, or damaged.
        """
        check_name(name)
        limit = min(limit, self._left)
        try:
            content = self._content(name, limit)
        except (KeyError, FileNotFoundError):
            raise BundleError(f"{name} is not in the bundle") from None
        except Corrupt as error:
            raise BundleError(f"{name} cannot be read: {_reason(error)}") from None
        if len(content) > limit:
            raise BundleError(f"{name} has more than {limit} bytes")
        self._left -= len(content)
        return content

    @abstractmethod
    def _content(self, name: str, limit: int) -> bytes:
        """At most `limit + 1` bytes of a file."""


class _Folder(Files):
    """A folder; links in it may lead to other files of it, as in volumes that are swapped whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder.resolve()

    def _content(self, name: str, limit: int) -> bytes:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise BundleError(f"{name} leads out of the folder")
        if not stat.S_ISREG(path.stat().st_mode):
            raise BundleError(f"{name} is not a file")
        with path.open("rb") as file:
            return file.read(limit + 1)


class _Archive(Files):
    """A zip archive, whatever its suffix. One bad name spoils all of it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        with path.open("rb") as file:
            data = file.read(MAX_ARCHIVE + 1)
        if len(data) > MAX_ARCHIVE:
            raise BundleError(f"the archive has more than {MAX_ARCHIVE} bytes")
        _check_size_of_directory(data)
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        entries = self._zip.infolist()
        for entry in entries:
            _check_entry(entry)
        if len({entry.filename for entry in entries}) != len(entries):
            raise BundleError("the archive has two entries of the same name")

    def _content(self, name: str, limit: int) -> bytes:
        entry = self._zip.getinfo(name)
        if entry.flag_bits & ENCRYPTED:
            raise BundleError(f"{name} is encrypted")
        if entry.file_size > max(SMALL, MAX_RATIO * entry.compress_size):
            raise BundleError(f"{name} is packed more than {MAX_RATIO} times smaller")
        with self._zip.open(entry) as file:
            return file.read(limit + 1)


def open_files(path: Path) -> Files:
    """The files of a bundle.

    Args:
        path: a folder or an archive.

    Raises:
        BundleError: it is neither, or hostile.
    """
    try:
        return _Folder(path) if path.is_dir() else _Archive(path)
    except Corrupt as error:
        raise BundleError(f"it cannot be read: {_reason(error)}") from None


def check_name(name: str) -> None:
    """Whether a name stays inside the bundle, on every system and in every address.

    Raises:
        BundleError: it does not.
    """
    odd = "\\" in name or ":" in name or not name.isprintable()
    parts = name.split("/")
    if odd or len(name) > MAX_NAME or not all(parts) or {".", ".."} & {*parts}:
        raise BundleError(f"{name[:80]!r} is no name of a file in a bundle")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    check_name(entry.filename.removesuffix("/"))
    mode = entry.external_attr >> 16
    if entry.create_system == MADE_ON_UNIX and stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise BundleError(f"{entry.filename} is neither a file nor a folder")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BundleError(f"{entry.filename} is packed in a way that no browser bundle is")


def _check_size_of_directory(data: bytes) -> None:
    """Bound what the standard library makes of the table of contents before it does."""
    at = data.rfind(END_MAGIC, -(END.size + 0xFFFF))
    if at < 0 or at + END.size > len(data):
        raise BundleError("it is no zip archive")
    *_, entries, size, _, comment = END.unpack_from(data, at)
    if data[max(at - 20, 0) : at].startswith(ZIP64_MAGIC) or at + END.size + comment != len(data):
        raise BundleError("it is a zip archive of an unusual kind")
    if entries > MAX_ENTRIES or size > MAX_DIRECTORY:
        raise BundleError(f"the archive has more than {MAX_ENTRIES} entries")


def _reason(error: Exception) -> str:
    """The cause, without the path that the system puts in front of it."""
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
