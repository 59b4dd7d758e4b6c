"""What is inline in a patch becomes a file, or goes with a word: the page's policy allows nothing inline."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.extensions.inline import Inline, elements
from broker.extensions.patching import parse_patch


def taken(markup: str) -> tuple[str, Inline]:
    inline = Inline()
    patch = parse_patch("a.html", f'<meta name="after" content="a">{markup}', inline)
    return patch.body.to_html(pretty=False), inline


def test_a_style_attribute_becomes_a_rule_that_outranks_others() -> None:
    html, inline = taken('<p class="a" style="color: red"></p><b style="color: red"></b><i style=" "></i>')
    (name,) = set(re.findall(r"fl-style-[0-9a-f]{10}", html))
    assert html == f'<p class="a {name}"></p><b class="{name}"></b><i></i>'
    assert inline.css == f".{name}:not(#fl#fl) {{ color: red }}"


def test_a_style_element_becomes_part_of_the_style_sheet() -> None:
    html, inline = taken('<style>.a { color: red }</style><style media="print">.b {}</style><p></p>')
    assert html == "<p></p>"
    assert inline.css == ".a { color: red }\n@media print {\n.b {}\n}"


def test_a_handler_becomes_part_of_a_module() -> None:
    html, inline = taken("<p onclick='hide(\"me\")' ONFOCUS=show()></p>")
    names = re.fullmatch(r'<p data-fl-on="([0-9a-f]{10}) ([0-9a-f]{10})"></p>', html)
    assert names is not None
    assert f'["{names[1]}", "click", function (event) {{\nhide("me")\n}}],' in inline.js
    assert f'["{names[2]}", "focus", function (event) {{\nshow()\n}}],' in inline.js


def test_without_handlers_there_is_no_module() -> None:
    assert taken("<p></p>")[1].js == ""


@pytest.mark.parametrize(
    ("markup", "left", "said"),
    [
        ("<script>alert(1)</script>", "", "<script> removed: code belongs into a file"),
        ("<script type=module>alert(1)</script>", "", "code belongs into a file"),
        ('<script src="https://evil.example/a.js"></script>', "", "<script> removed: it is on another host"),
        ('<script src="//evil.example/a.js"></script>', "", "on another host"),
        ('<link rel="stylesheet" href="https://evil.example/a.css">', "", "<link> removed"),
        ('<base href="https://evil.example/">', "", "<base> removed"),
        ('<meta http-equiv="refresh" content="0;url=//evil.example">', "", "<meta> removed"),
        ('<object data="a"></object>', "", "<object> removed"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>", "href removed from <a>"),
        ('<a href=" java\nscript:alert(1)">x</a>', "<a>x</a>", "href removed"),
        ('<p style="} body { display: none"></p>', "<p></p>", "style attribute removed"),
        ('<p style="a: b /*"></p>', "<p></p>", "style attribute removed"),
        ('<img src="https://evil.example/a.png">', '<img src="https://evil.example/a.png">', "from another host"),
        ('<p ng-if="a"></p>', '<p ng-if="a"></p>', "AngularJS"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(markup: str, left: str, said: str) -> None:
    html, inline = taken(markup)
    assert html == left
    (line,) = inline.said
    assert said in line


@pytest.mark.parametrize(
    "markup",
    [
        '<script type="application/json">{}</script>',
        '<script src="app/ext/example/a.js"></script>',
        '<a href="https://portal.example/" target="_blank">x</a>',
        '<img src="app/ext/example/a.png" alt="A">',
        '<p class="on" data-on="click">x</p>',
    ],
)
def test_what_may_stay(markup: str) -> None:
    html, inline = taken(markup)
    assert (html, inline.said, inline.css, inline.js) == (markup, [], "", "")


def test_templates_are_looked_into() -> None:
    assert taken('<template><p onclick="a()" style="b: c"></p></template>')[0].count("fl-") == 2


ATTRIBUTE = st.tuples(
    st.sampled_from(["style", "onclick", "ONload", "href", "src", "xlink:href", "srcdoc", "class", "id"]),
    st.sampled_from(["javascript:alert(1)", "a: b", "}", "x()", "//evil", ""]) | st.text(max_size=10),
)
MARKUP = st.lists(
    st.tuples(
        st.sampled_from(["p", "a", "svg", "script", "style", "template", "math", "iframe", "object", "form"]),
        st.lists(ATTRIBUTE, max_size=3),
    ),
    max_size=5,
)


@settings(deadline=None)
@given(MARKUP)
def test_nothing_inline_is_left(written_elements: list[tuple[str, list[tuple[str, str]]]]) -> None:
    def attribute(name: str, value: str) -> str:
        return f'{name}="{value.replace("&", "&amp;").replace(chr(34), "&quot;")}"'

    markup = "".join(
        f"<{name} {' '.join(attribute(*pair) for pair in attributes)}>"
        for name, attributes in written_elements
    )
    inline = Inline()
    patch = parse_patch("a.html", f'<meta name="after" content="a">{markup}', inline)
    for element in elements(patch.body):
        attrs = element.attrs or {}
        assert not [name for name in attrs if name == "style" or name.startswith("on")]
        assert element.name not in {"style", "base", "object"}
        assert "javascript:" not in (attrs.get("href") or "").lower()
