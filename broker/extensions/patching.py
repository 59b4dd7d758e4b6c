"""HTML patches: six operations on what a CSS selector finds, applied to the page when it has been rendered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from justhtml import JustHTML, Node
from justhtml.selector import SelectorError, query

from broker.extensions.archive import BundleError
from broker.extensions.inline import Inline, elements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["OPERATIONS", "Patch", "Patched", "parse_patch", "patch_page"]

MAX_ELEMENTS = 5000
"""Elements of one patch, and of all that patches put into one page."""
MAX_READINGS = 5
"""Times that markup is repaired before it has to stay as it is."""
MAX_REPEATED = 200_000
"""Formatting elements times elements of a patch: where the former are not closed, each is repeated in all that follow."""
FORMATTING = re.compile(
    r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE
)
TAG = re.compile(r"<[a-z]", re.IGNORECASE)
MAX_OPERATIONS = 50
"""Operations of one patch."""
PATCHED = "#content"
"""What can be patched is inside of this."""
ONE_SCREEN = {"guac-menu": "session"}
"""Screens that Guacamole has in one template: what is put into both stays in the later place."""


def _before(target: Node, parent: Node, body: list[Node]) -> None:
    for node in body:
        parent.insert_before(node, target)


def _after(target: Node, parent: Node, body: list[Node]) -> None:
    following = (parent.children or [])[(parent.children or []).index(target) + 1 :]
    for node in body:
        parent.insert_before(node, following[0] if following else None)


def _replace(target: Node, parent: Node, body: list[Node]) -> None:
    _before(target, parent, body)
    parent.remove_child(target)


def _before_children(target: Node, _: Node, body: list[Node]) -> None:
    first = next(iter(target.children or ()), None)
    for node in body:
        target.insert_before(node, first)


def _after_children(target: Node, _: Node, body: list[Node]) -> None:
    for node in body:
        target.append_child(node)


def _replace_children(target: Node, _: Node, body: list[Node]) -> None:
    for node in [*(target.children or ())]:
        target.remove_child(node)
    _after_children(target, target, body)


OPERATIONS: dict[str, Callable[[Node, Node, list[Node]], None]] = {
    "before": _before,
    "after": _after,
    "replace": _replace,
    "before-children": _before_children,
    "after-children": _after_children,
    "replace-children": _replace_children,
}
"""By the name that a `<meta>` of a patch gives: what is done with a target, its parent and the patch's nodes."""


@dataclass(frozen=True)
class Patch:
    """One patch.

    Attributes:
        name: bundle and file, for messages.
        source: the file as it is.
        operations: name and selector of each.
        body: what is put into the page; copies of it are.
        size: elements in it.
    """

    name: str
    source: str
    operations: tuple[tuple[str, str], ...]
    body: Node
    size: int


class Patched(NamedTuple):
    """A page with patches applied.

    Attributes:
        html: the page.
        missed: patches that did not find their place, one sentence each.
    """

    html: str
    missed: list[str]


def parse_patch(name: str, source: str, inline: Inline) -> Patch:
    """Read a patch; its markup is repaired as browsers do.

    Args:
        name: bundle and file, for messages.
        source: the file.
        inline: takes what it brings inline.

    Raises:
        BundleError: it has no operation, or more than is reasonable.
    """
    body = _settled(name, source)
    operations = []
    for node in [*(body.children or ())]:
        attrs = node.attrs if isinstance(node, Node) and node.name == "meta" else None
        if attrs and attrs.get("name") in OPERATIONS:
            operations.append((attrs["name"] or "", attrs.get("content") or ""))
            body.remove_child(node)
    size = sum(1 for _ in elements(body))
    if not operations:
        raise BundleError(f'{name} has no <meta name="…" content="selector"> with an operation')
    if len(operations) > MAX_OPERATIONS:
        raise BundleError(f"{name} has more than {MAX_OPERATIONS} operations")
    inline.take(body)
    return Patch(name, source, tuple(operations), body, size)


def _settled(name: str, source: str) -> Node:
    """Markup as a tree that stays the same when it is written and read again: browsers see what is here.

    Raises:
        BundleError: there is no such tree.
    """
    for _ in range(MAX_READINGS):
        if len(FORMATTING.findall(source)) * len(TAG.findall(source)) > MAX_REPEATED:
            raise BundleError(f"{name} has too many elements in formatting that may not be closed")
        body: Node = JustHTML(source, sanitize=False, fragment=True, scripting_enabled=False).root
        if sum(1 for _ in elements(body)) > MAX_ELEMENTS:
            raise BundleError(f"{name} has more than {MAX_ELEMENTS} elements")
        written = body.to_html(pretty=False)
        if written == source:
            return body
        source = written
    raise BundleError(f"{name} holds markup that browsers read differently each time")


def patch_page(page: str, patches: Iterable[Patch]) -> Patched:
    """Apply patches in order, later ones to what earlier ones made.

    Args:
        page: a whole page.
        patches: of all bundles.
    """
    document = JustHTML(page, sanitize=False, scripting_enabled=False).root
    missed, room = [], MAX_ELEMENTS
    content = next(iter(query(document, PATCHED)), document)
    for patch in patches:
        room, problem = _apply(patch, document, content, room)
        missed += [f"{patch.name}: {problem}"] if problem else []
    return Patched(document.to_html(pretty=False), missed)


def _apply(patch: Patch, document: Node, content: Node, room: int) -> tuple[int, str]:
    """Apply one patch.

    Returns:
        How many elements may still be put into the page, and what went wrong.
    """
    placed: dict[str, list[Node]] = {}
    found = False
    problem = ""
    for operation, selector in patch.operations:
        try:
            targets = _targets(document, content, selector)
        except SelectorError as error:
            problem = f"{selector[:100]!r} is no selector that can be used: {error}"
            continue
        found = found or bool(targets)
        # Several operations of a patch move its nodes: in each screen the last that finds something keeps them.
        for screen in {screen for _, screen in targets}:
            for node in placed.pop(screen, []):
                if node.parent is not None:
                    node.parent.remove_child(node)
        for target, screen in targets:
            room -= patch.size
            if room < 0:
                return 0, f"would put more than {MAX_ELEMENTS} elements into the page"
            if target.parent is None:
                continue
            body = [*(patch.body.clone_node(deep=True).children or ())]
            OPERATIONS[operation](target, target.parent, body)
            placed.setdefault(screen, []).extend(body)
    if not found and not problem:
        problem = f"nothing in the page is {', '.join(selector[:100] for _, selector in patch.operations)}"
    return room, problem


def _targets(document: Node, content: Node, selector: str) -> list[tuple[Node, str]]:
    """The elements inside the patched part that a selector finds, each with the screen it is of."""
    found = ((node, _screen(node, content)) for node in query(document, selector) if isinstance(node, Node))
    return [(node, screen) for node, screen in found if screen is not None]


def _screen(node: Node, content: Node) -> str | None:
    """The id of the screen that an element is in; None if it is outside of all."""
    while node.parent is not None and node.parent is not content:
        node = node.parent
    if node.parent is None:
        return None
    own = (node.attrs or {}).get("id") or ""
    return ONE_SCREEN.get(own, own)
