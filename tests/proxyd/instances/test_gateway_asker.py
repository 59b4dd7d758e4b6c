"""A gateway's questions on a card of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxyd.instances.dialogue import shortened
from proxyd.instances.gateway_asker import ANSWER, MAX_TEXT, GatewayAsker
from proxyd.instances.ssh_auth import Naming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.instances.base import Prompt


class Card:
    """A desk that answers."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def ask(self, names: Sequence[str], prompt: Prompt) -> dict[str, str]:
        assert names == [ANSWER]
        self.shown.append(prompt.text)
        return {ANSWER: "123"}


@pytest.mark.parametrize("pieces", [1, 50])
async def test_whoever_asks_and_what_is_asked_stay_whatever_is_said_between(pieces: int) -> None:
    card = Card()
    asker = Naming(GatewayAsker(card), "Gateway corp")  # type: ignore[arg-type]
    for _ in range(pieces):
        asker.show("Authorised use only. " * 300)
    assert await asker.ask("One-time password: ", secret=True) == "123"
    (text,) = card.shown
    assert text.startswith("Gateway corp:\nAuthorised")
    assert text.endswith("Authorised use only. One-time password: ")
    assert len(text) <= MAX_TEXT
    await asker.ask("Again: ", secret=True)
    assert card.shown[1] == "Again: "


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 100_000])
def test_no_more_than_there_is_room_for(length: int) -> None:
    text = "x" * length
    assert len(shortened(text, 10)) == min(length, 10)
