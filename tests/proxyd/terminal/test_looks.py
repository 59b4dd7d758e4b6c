from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxyd.terminal.cells import BACKGROUND, FOREGROUND, RGB, Flag, Link, Style, Underline
from proxyd.terminal.glyphs import BOLD, ITALIC, SHADES
from proxyd.terminal.looks import MAX_LOOKS, Looks, Pair, ramps
from proxyd.terminal.schemes import find_scheme

PALETTE = find_scheme("gray-black").palette
COLOURS = st.integers(0, 0xFFFFFF)


def looks(*, reverse: bool = False, bold_brightens: bool = False) -> Looks:
    return Looks(PALETTE, reverse=reverse, bold_brightens=bold_brightens)


def test_default_text_has_the_scheme_s_colours() -> None:
    assert looks()[Style()].pair == Pair(PALETTE[FOREGROUND], PALETTE[BACKGROUND])


def test_indexed_and_direct_colours() -> None:
    assert looks()[Style(196, RGB | 0x123456)].pair == Pair(PALETTE[196], 0x123456)


def test_bold_is_a_face_and_brightens_where_the_scheme_says_so() -> None:
    style = Style(foreground=1, flags=Flag.BOLD)
    assert looks()[style].face == BOLD
    assert looks()[style].pair.ink == PALETTE[1]
    assert looks(bold_brightens=True)[style].pair.ink == PALETTE[9]
    assert looks(bold_brightens=True)[Style(foreground=9, flags=Flag.BOLD)].pair.ink == PALETTE[9]
    assert looks(bold_brightens=True)[Style(foreground=RGB | 1, flags=Flag.BOLD)].pair.ink == 1


def test_italic_is_a_face() -> None:
    assert looks()[Style(flags=Flag.ITALIC | Flag.BOLD)].face == BOLD | ITALIC


def test_faint_is_half_way_to_the_paper() -> None:
    assert looks()[Style(RGB | 0xFF0080, RGB, flags=Flag.FAINT)].pair == Pair(0x7F0040, 0)


def test_inverse_exchanges_ink_and_paper() -> None:
    assert looks()[Style(1, 2, flags=Flag.INVERSE)].pair == Pair(PALETTE[2], PALETTE[1])


def test_a_reversed_screen_exchanges_the_default_colours_only() -> None:
    assert looks(reverse=True)[Style()].pair == Pair(PALETTE[BACKGROUND], PALETTE[FOREGROUND])
    assert looks(reverse=True)[Style(1, 2)].pair == Pair(PALETTE[1], PALETTE[2])
    assert looks(reverse=True).paper == PALETTE[FOREGROUND]


def test_an_underline_follows_the_text_or_has_its_own_colour() -> None:
    assert looks()[Style(1, underline=Underline.CURLY)].underline_pair.ink == PALETTE[1]
    assert looks()[Style(1, underline=Underline.CURLY, underline_colour=3)].underline_pair.ink == PALETTE[3]


def test_links_are_marked_unless_they_are_underlined_already() -> None:
    link = Link("https://example.org", "")
    assert looks()[Style(link=link)].underline == Underline.DOTTED
    assert looks()[Style(link=link, underline=Underline.SINGLE)].underline == Underline.SINGLE


def test_any_number_of_styles_is_remembered_in_bounded_memory() -> None:
    remembered = looks()
    for colour in range(MAX_LOOKS * 2):
        assert remembered[Style(foreground=RGB | colour)].pair.ink == colour
    assert len(remembered) <= MAX_LOOKS


@given(st.lists(st.builds(Pair, COLOURS, COLOURS), min_size=1, max_size=5))
def test_ramps_go_from_paper_to_ink(pairs: list[Pair]) -> None:
    found = ramps(pairs)
    assert found.shape == (len(pairs), SHADES, 3)
    for pair, colours in zip(pairs, found.tolist(), strict=True):
        ends = [red << 16 | green << 8 | blue for red, green, blue in (colours[0], colours[-1])]
        assert ends == [pair.paper, pair.ink]
        for channel in zip(*colours, strict=True):
            assert list(channel) in (sorted(channel), sorted(channel, reverse=True))
