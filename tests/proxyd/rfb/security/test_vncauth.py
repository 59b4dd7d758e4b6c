from __future__ import annotations

import pytest

from proxyd.rfb.security.vncauth import response

CHALLENGE = bytes(range(16))


@pytest.mark.parametrize(
    ("password", "answer"),
    [
        (b"display", "62a9ec29328f3e9bc04b3976f75eb93d"),
        (b"display\0", "62a9ec29328f3e9bc04b3976f75eb93d"),
    ],
)
def test_the_sheets_vector(password: bytes, answer: str) -> None:
    assert response(password, CHALLENGE).hex() == answer


def test_only_eight_bytes_count() -> None:
    assert response(b"12345678", CHALLENGE) == response(b"123456789abc", CHALLENGE)
    assert response(b"", CHALLENGE) != response(b"1", CHALLENGE)
