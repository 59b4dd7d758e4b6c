from __future__ import annotations

import pytest

from broker.gate.instances import Instances
from broker.gate.legacy import legacy_token
from broker.store import Store

PASSWORD = "8bb0cf6eb9b17d0f7d22b456f121257dc1254e1f01665370476383ea776df414"


def test_the_vector() -> None:
    assert legacy_token(PASSWORD, "42", 1700000000) == "CcbWOgxhjRRJQw8pkWvGrQ=="  # sheet E.2
    assert legacy_token(PASSWORD[:32], "42", 1700000000) == "CcbWOgxhjRRJQw8pkWvGrQ=="


@pytest.mark.parametrize("password", ["", "x" * 31])
def test_what_is_no_password_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="password"):
        legacy_token(password, "42", 1700000000)


async def test_such_a_token_is_good_only_where_it_is_wanted(store: Store, clock: object) -> None:
    instances = Instances(store, clock)  # type: ignore[arg-type]
    await instances.add({"name": "old"}, identifier="42")
    token = legacy_token(PASSWORD, "42", 1700000000)
    await instances.take_over_token("42", token)
    assert await instances.authentic("42", token, "") is None
    assert await instances.authentic("42", token, "", legacy=True) is not None
