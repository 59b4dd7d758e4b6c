"""`python -m broker`: the web tier from settings alone."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from broker import log, server
from broker.keyring import KeyRingError
from broker.settings import Settings
from broker.store import StoreError
from proxyd.sources import Loaded, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["main", "read_settings", "start"]

FAILED, BAD_SETTING, IN_USE = 1, 2, 98
"""Exit codes, those of every daemon here."""


def read_settings(
    config: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Loaded[Settings]:
    """The broker's settings from file, environment and flags; see `proxyd.sources.load`."""
    return load(Settings, config=config, environ=environ, flags=flags, section="broker")


def start(load: Callable[[], Loaded[Settings]]) -> None:
    """Log, and serve until told to stop. Raises what `load` and `broker.server.run` raise.

    Args:
        load: reads the settings; called again at SIGHUP.
    """
    loaded = load()
    log.configure(loaded.settings)
    if loaded.unknown:
        structlog.get_logger().warning(
            "settings that the broker does not know", names=", ".join(loaded.unknown), file=str(loaded.file)
        )
    server.run(loaded.settings, lambda: load().settings)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m broker", description="Fanlight's web tier.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="fanlight.toml or guacamole.properties")
    for name, field in Settings.model_fields.items():
        flag = field.alias or name
        parser.add_argument(f"--{flag}", metavar="VALUE", help=(field.description or "").replace("%", "%%"))
    flags = vars(parser.parse_args(arguments))
    config = flags.pop("config")
    try:
        start(
            lambda: read_settings(
                config, os.environ, {name.replace("_", "-"): value for name, value in flags.items()}
            )
        )
    except SettingsError as error:
        return _complain(str(error), BAD_SETTING)
    except server.ListenError as error:
        return _complain(str(error), IN_USE if error.in_use else FAILED)
    except KeyRingError as error:
        return _complain(str(error), BAD_SETTING)
    except (StoreError, OSError) as error:
        return _complain(str(error), FAILED)
    return 0


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"broker: {' '.join(message.split())}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
