"""The command `fanlight`."""

from __future__ import annotations

from broker.cli.app import main

__all__ = ["main"]
