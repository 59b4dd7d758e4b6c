from __future__ import annotations

from proxyd.instances.follow import NEVER, SETTLE, SizeFollower


def test_the_first_size_is_asked_for_at_once_and_once() -> None:
    follower = SizeFollower(800, 600, 0.0)
    assert follower.ask((640, 480), 0.0) == (800, 600)
    assert follower.due == NEVER
    assert follower.ask((640, 480), 100.0) is None


def test_a_size_that_is_there_is_not_asked_for_even_if_it_changes_later() -> None:
    follower = SizeFollower(800, 600, 0.0)
    assert follower.ask((800, 600), 0.0) is None
    assert follower.ask((640, 480), 1.0) is None


def test_a_window_that_is_dragged_is_asked_for_when_it_rests() -> None:
    follower = SizeFollower(800, 600, 0.0)
    follower.want(810, 600, 1.0)
    follower.want(820, 600, 1.1)
    assert follower.ask((800, 600), 1.2) is None
    assert follower.due == 1.1 + SETTLE
    assert follower.ask((800, 600), follower.due) == (820, 600)


def test_huge_windows_keep_their_proportions() -> None:
    assert SizeFollower(16384, 8192, 0.0).ask((1, 1), 0.0) == (8192, 4096)
    assert SizeFollower(100000, 1, 0.0).ask((2, 2), 0.0) == (8192, 1)
