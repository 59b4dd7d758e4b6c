"""What a program on the instance asks for beyond its screen: values for the instance's shell to act on."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

__all__ = [
    "Bell",
    "ClipboardSet",
    "DownloadAsked",
    "Event",
    "PipeClosed",
    "PipeData",
    "PipeFlag",
    "PipeOpened",
    "TitleChanged",
    "UploadDirectorySet",
]


class Bell(NamedTuple):
    """BEL; any number of them since the last time is one event."""


class TitleChanged(NamedTuple):
    """OSC 0 and 2."""

    title: str


class ClipboardSet(NamedTuple):
    """OSC 52 wrote a selection; only where the policy allows it."""

    text: str


class DownloadAsked(NamedTuple):
    """OSC 482200: send this file to the person."""

    path: str


class UploadDirectorySet(NamedTuple):
    """OSC 482201: plain uploads go here."""

    path: str


class PipeFlag(IntFlag):
    """The flags of OSC 482202."""

    INTERPRET = 1
    """Output is rendered as well."""
    AUTOFLUSH = 2
    """Data is passed on with every frame, not only when there is much of it."""


class PipeOpened(NamedTuple):
    """OSC 482202: output goes into a named pipe stream from here on."""

    name: str
    flags: PipeFlag


class PipeData(NamedTuple):
    """Output for the open pipe, as the bytes the program wrote."""

    data: bytes


class PipeClosed(NamedTuple):
    """OSC 482203, or another pipe is about to open."""


Event = (
    Bell
    | TitleChanged
    | ClipboardSet
    | DownloadAsked
    | UploadDirectorySet
    | PipeOpened
    | PipeData
    | PipeClosed
)
