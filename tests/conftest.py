from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# how long an example takes says something of the machine alone
settings.register_profile(
    "quick", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", settings.get_profile("quick"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test has an id of its own: of several under one id, xdist would run a single one and say nothing.

    Under pytest 9.2 all operations of a schemathesis test have their function's id, and only names that differ.
    """
    for item in items:
        module, _, function = item.nodeid.rpartition("::")
        if item.name.startswith(f"{function}["):
            item._id = item.id.parse(f"{module}::{item.name}")
    common = [identifier for identifier, times in Counter(item.nodeid for item in items).items() if times > 1]
    if common:
        raise pytest.UsageError(f"several tests under one id: {', '.join(common)}")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that sets up logging in this process does not silence the tests after it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
