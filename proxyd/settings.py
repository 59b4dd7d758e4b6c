"""proxyd's settings: one frozen model, read once. Where values come from is `proxyd.sources`."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Settings"]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Settings(BaseModel):
    """Every row appears in docs/reference/settings.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True)

    bind: str = Field("127.0.0.1:4822", description="Where proxyd listens: HOST:PORT or unix:PATH.")
    workers: int = Field(0, ge=0, le=256, description="Worker processes; 0 is one for each processor.")
    max_sessions: int = Field(1000, ge=1, description="Sessions in one worker; more are refused as busy.")
    handshake_timeout: float = Field(15.0, gt=0, le=120, description="Seconds for a whole handshake.")
    connect_timeout: float = Field(10.0, gt=0, le=120, description="Seconds to open a stream to an instance.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lines below are dropped."
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines are written.")

    @property
    def worker_count(self) -> int:
        """Worker processes to run."""
        return self.workers or os.cpu_count() or 1
