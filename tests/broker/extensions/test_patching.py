"""The six operations, what several of them do to each other, and markup that needs repair."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.extensions import patching
from broker.extensions.archive import BundleError
from broker.extensions.inline import Inline
from broker.extensions.patching import OPERATIONS, Patch, parse_patch, patch_page
from tests.broker.extensions.bundles import PAGE


def patch(source: str) -> Patch:
    return parse_patch("a.html", source, Inline())


def apply(*sources: str, page: str = PAGE) -> str:
    html, missed = patch_page(page, [patch(source) for source in sources])
    assert missed == []
    return html


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("before", '<i>+</i><u>-</u><div class="client-view-content"><b>one</b></div></main>'),
        ("after", '<div class="client-view-content"><b>one</b></div><i>+</i><u>-</u></main>'),
        ("replace", 'id="session"><i>+</i><u>-</u></main>'),
        ("before-children", '<div class="client-view-content"><i>+</i><u>-</u><b>one</b></div>'),
        ("after-children", '<div class="client-view-content"><b>one</b><i>+</i><u>-</u></div>'),
        ("replace-children", '<div class="client-view-content"><i>+</i><u>-</u></div>'),
    ],
)
def test_operations(operation: str, result: str) -> None:
    assert result in apply(f'<meta name="{operation}" content=".client-view-content"><i>+</i><u>-</u>')


def test_every_operation_is_tested_above() -> None:
    assert len(OPERATIONS) == 6


def test_a_page_without_patches_says_the_same() -> None:
    assert apply() == apply(page=apply())


def test_what_scripts_hold_stays_as_it_is() -> None:
    config = '<script type="application/json">{"a": "<b>&amp;\\u003c/script>"}</script>'
    page = PAGE.replace("</head>", f"{config}<noscript><p>Please & thank you</p></noscript></head>")
    assert config in apply(page=page)


def test_later_patches_see_what_earlier_ones_made() -> None:
    page = apply(
        '<meta name="replace" content=".login-dialog"><div class="welcome"></div>',
        '<meta name="after-children" content=".login-ui .welcome"><p>Hello</p>',
    )
    assert '<div class="welcome"><p>Hello</p></div>' in page


def test_in_one_screen_the_last_operation_keeps_the_nodes() -> None:
    both = '<meta name="before" content=".none"><meta name="after" content="{}"><meta name="before" content="{}"><i>+</i>'
    page = apply(both.format(".client-view-content", "#clipboard-settings"))
    assert page.count("<i>+</i>") == 1
    assert '<i>+</i><details id="clipboard-settings">' in page


def test_every_screen_has_its_own() -> None:
    page = apply('<meta name="before-children" content="main"><i>+</i>')
    assert page.count("<i>+</i>") == 3


def test_outside_of_the_screens_nothing_is_touched() -> None:
    _, missed = patch_page(PAGE, [patch('<meta name="replace" content="head, body, html, #content"><i></i>')])
    assert missed == ["a.html: nothing in the page is head, body, html, #content"]


def test_what_goes_wrong_is_said_and_the_rest_goes_on() -> None:
    html, missed = patch_page(
        PAGE,
        [
            patch('<meta name="after" content=".gone"><i></i>'),
            patch('<meta name="after" content="p:has(b"><i></i>'),
            patch('<meta name="after" content=""><i></i>'),
            patch('<meta name="after" content=".login-dialog"><i>+</i>'),
        ],
    )
    assert [reason.partition(":")[0] for reason in missed] == ["a.html"] * 3
    assert "nothing in the page is .gone" in missed[0]
    assert "no selector that can be used" in missed[1]
    assert "<i>+</i>" in html


def test_malformed_markup_is_repaired_as_browsers_do() -> None:
    page = apply(
        '<meta name="before" content="#clipboard-settings">\n'
        '<div class="menu-section"><h1>Guide</h2><p>one<p>two<div>open<div>'
    )
    assert (
        '<div class="menu-section"><h1>Guide</h1><p>one</p><p>two</p><div>open<div></div></div></div><details'
        in page
    )


def test_markup_is_what_it_becomes_when_it_is_read_again() -> None:
    page = apply('<meta name="after-children" content=".login-dialog"><table>a<p>b<select><div>c<select>')
    assert apply(page=page) == page


def test_other_meta_elements_stay_in_the_body() -> None:
    assert '<meta name="colour" content="red">' in apply(
        '<meta name="after" content=".login-dialog"><meta name="colour" content="red">'
    )


@pytest.mark.parametrize(
    "source",
    ["", "<p>no operation</p>", '<div><meta name="after" content="a"></div>', '<meta name="swap" content="a"><p>'],
)  # fmt: skip
def test_what_is_no_patch(source: str) -> None:
    with pytest.raises(BundleError, match="with an operation"):
        patch(source)


def test_patches_do_not_fill_the_page_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "MAX_ELEMENTS", 300)
    with pytest.raises(BundleError, match="more than"):
        patch('<meta name="after" content="a">' + "<i></i>" * 301)
    grows = '<meta name="after-children" content="#content > *, #content > * > *, b, i">' + "<i></i>" * 100
    html, missed = patch_page(PAGE, [patch(grows)] * 20)
    assert "more than" in missed[0]
    assert html.count("<i>") <= 300


def test_formatting_that_is_never_closed_costs_little() -> None:
    markup = "</p>".join(f"<p><b a{number}>" for number in range(15_000))
    with pytest.raises(BundleError, match="formatting"):
        patch('<meta name="after" content="a">' + markup)


MARKUP = st.lists(
    st.sampled_from(
        ["<div>", "</div>", "<p>", "</main>", "<table>", "<tr>", "</body>", "<svg>", "<template>", "</template>", "<b",
         "<!--", "-->", "<select>", "x", "&amp;", "<script>", "</script>", "<style>", "<math>", '"', "'", "<form>", "\0"]
    ),
    max_size=20,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from([*OPERATIONS]), MARKUP)
def test_whatever_a_patch_holds_the_screens_stay_apart(operation: str, markup: str) -> None:
    target = ".client-view-content" if operation.startswith("re") else "#session, .login-dialog, .menu-body"
    try:
        body = patch(f'<meta name="{operation}" content="{target}">{markup}')
    except BundleError:
        return
    html, _ = patch_page(PAGE, [body])
    again, _ = patch_page(html, [patch('<meta name="after-children" content="#home"><i>+</i>')])
    assert "<i>+</i></main>" in again
    assert '<details id="clipboard-settings">' in again


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_selector_is_used_or_named(selector: str) -> None:
    source = Patch(
        "a.html", "", (("after", selector),), patch('<meta name="after" content="a"><i></i>').body, 1
    )
    html, missed = patch_page(PAGE, [source])
    assert missed or "<i></i>" in html
