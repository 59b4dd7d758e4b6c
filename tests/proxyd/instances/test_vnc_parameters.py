from __future__ import annotations

import pytest

from proxyd.instances.parameters import Arguments
from proxyd.instances.vnc_parameters import PARAMETERS, options_from
from proxyd.rfb.encodings import Encoding
from proxyd.rfb.options import Options
from proxyd.rfb.pixels import RGB332, RGB565, RGB888
from proxyd.wire.status import StatusError


def options(**given: str) -> Options:
    return options_from(
        Arguments(PARAMETERS, {name.replace("_", "-"): value for name, value in given.items()})
    )


def test_nothing_given_is_our_default() -> None:
    assert options() == Options()


@pytest.mark.parametrize(
    ("names", "encodings"),
    [
        ("zrle ultra copyrect hextile zlib corre rre raw", [16, 1, 5, 6, 2, 0]),
        ("Tight", [7, 0]),
        ("raw", [0]),
        ("raw raw tight", [0, 7]),
    ],
)
def test_encodings_keep_their_order_and_what_is_unknown_is_left_out(names: str, encodings: list[int]) -> None:
    assert list(options(encodings=names).encodings) == encodings


@pytest.mark.parametrize("names", ["ultra corre", "nonsense", " "])
def test_a_list_without_anything_known_means_the_default(names: str) -> None:
    assert options(encodings=names).encodings == Options().encodings


@pytest.mark.parametrize(
    ("depth", "wanted"), [("0", RGB888), ("24", RGB888), ("16", RGB565), ("8", RGB332), ("7", RGB888)]
)
def test_color_depth(depth: str, wanted: object) -> None:
    assert options(color_depth=depth).pixel_format == wanted


def test_what_passes_through_cannot_be_swapped() -> None:
    swapped = options(swap_red_blue="true", encodings="tightpng jpeg tight")
    assert swapped.swap_red_blue
    assert list(swapped.encodings) == [Encoding.TIGHT, Encoding.RAW]


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ({}, True),
        ({"cursor": "local"}, True),
        ({"cursor": "remote"}, False),
        ({"cursor": "other"}, True),
        ({"read_only": "true"}, False),
    ],
)
def test_who_shows_the_pointer(given: dict[str, str], local: bool) -> None:
    assert options(**given).local_cursor is local


@pytest.mark.parametrize(("level", "wanted"), [("", None), ("-1", None), ("0", 0), ("9", 9), ("12", 9)])
def test_compress_level(level: str, wanted: int | None) -> None:
    assert options(compress_level=level).compression == wanted


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("ISO8859-1", "latin-1"),
        ("UTF-8", "utf-8"),
        ("UTF-16", "utf-16-be"),
        ("CP1252", "cp1252"),
        ("MacRoman", "mac-roman"),
        ("EBCDIC", "latin-1"),
    ],
)
def test_clipboard_encodings(name: str, encoding: str) -> None:
    assert options(clipboard_encoding=name).clipboard_encoding == encoding


@pytest.mark.parametrize(
    ("size", "limit"), [("", 262144), ("1", 262144), ("1000000", 1000000), ("99999999", 52428800)]
)
def test_the_clipboards_limit(size: str, limit: int) -> None:
    assert options(clipboard_buffer_size=size).limits.clipboard == limit


def test_a_repeater_is_told_host_and_port() -> None:
    told = options(hostname="repeater", dest_host="ID", dest_port="1234")
    assert told.repeater_id == "ID:1234"
    assert options(hostname="desk").repeater_id == ""
    assert options(hostname="desk").host == "desk"


def test_a_port_out_of_range_is_refused() -> None:
    with pytest.raises(StatusError, match="port is out of range"):
        options(port="65536")
