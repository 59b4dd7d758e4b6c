"""The connector's settings on hosts that have less than others."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connector import settings as module
from connector.settings import Settings


def test_a_host_without_time_zones_needs_none() -> None:
    code = (
        "from connector.settings import Settings; from datetime import datetime\n"
        "zone = Settings().update_zone\n"
        "print(zone, datetime(2026, 7, 1, tzinfo=zone).isoformat())\n"
        "try: Settings.model_validate({'update-zone': 'Europe/Brussels'})\n"
        "except ValueError as error: print(error)\n"
    )
    hidden = "import sys; sys.modules['tzdata'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", hidden + code],
        check=True, capture_output=True, text=True, env={"PYTHONTZPATH": "/nonexistent"}, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("UTC 2026-07-01T00:00:00+00:00\n")
    assert "this host knows no time zones: pip install tzdata" in done.stdout


def test_the_default_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().update_zone == ZoneInfo("UTC")

    def none(name: str) -> ZoneInfo:
        raise module.ZoneInfoNotFoundError(name)

    none.from_file = ZoneInfo.from_file  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "ZoneInfo", none)
    made = module._utc()
    assert datetime.fromtimestamp(1_800_000_000, made) == datetime.fromtimestamp(1_800_000_000, UTC)
    assert made.utcoffset(datetime(2026, 1, 1)) == timedelta(0)  # noqa: DTZ001 - the zone is the question


@pytest.mark.parametrize("name", ["key-file", "state-directory", "certificate-authority"])
@pytest.mark.parametrize("value", ["-----BEGIN KEY-----\nso-secret", "x" * 2000])
def test_a_file_is_a_name_and_not_a_key(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match="not the name of a file"):
        Settings.model_validate({name: value})
