"""What a patch brings inline, made fit for a page whose policy allows nothing inline.

Styles move to the bundle's style sheet, handlers to its script: both are served as files, so they work as they were
meant. Script elements with code in them, and whatever else the policy would stop, are taken out and named.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from justhtml import Element, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HANDLER_MARK", "Inline", "elements"]

HANDLER_MARK = "data-fl-on"
"""Names the handlers of an element."""
HANDLER = re.compile(r"on[a-z]{3,30}")
LOADS = ("src", "srcset", "poster", "data", "background")
LEADS = ("href", "xlink:href", "action", "formaction")
ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
RUNS = re.compile(r"[\s\x00-\x1f]*j[\s]*a[\s]*v[\s]*a[\s]*script[\s]*:", re.IGNORECASE)
"""`javascript:`, as leniently as browsers read it."""
CODE = frozenset({"", "module", "text/javascript", "application/javascript", "text/ecmascript"})
"""Types of script elements that are code; others hold data."""
UNFIT = frozenset({"base", "object", "embed", "applet"})
ANGULAR = re.compile(r"ng-|data-ng-|guac-|translate$")

MODULE = """\
for (const [name, type, run] of [
%s
]) {
  for (const element of document.querySelectorAll(`[data-fl-on~="${name}"]`)) {
    element.addEventListener(type, (event) => {
      if (run.call(element, event) === false) {
        event.preventDefault();
      }
    });
  }
}
"""


class Inline:
    """Gathers what the patches of one bundle bring inline.

    Attributes:
        said: what had to go, one sentence each.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self._styles: dict[str, None] = {}
        self._handlers: dict[str, None] = {}

    @property
    def css(self) -> str:
        """The style sheet of all styles; it outranks other rules, as styles of elements do."""
        return "\n".join(self._styles)

    @property
    def js(self) -> str:
        """The module that attaches all handlers; empty where there are none."""
        return MODULE % "\n".join(self._handlers) if self._handlers else ""

    def take(self, body: Node) -> None:
        """Take what is inline out of a patch, in place."""
        for element in [*elements(body)]:
            if self._unfit(element):
                _remove(element)
            elif element.name == "style":
                self._sheet(element)
                _remove(element)
            else:
                self._attributes(element)

    def _unfit(self, element: Node) -> bool:
        """Whether an element cannot be in the page at all."""
        attrs = element.attrs or {}
        source = attrs.get("src")
        if element.name == "script":
            if source is None and (attrs.get("type") or "").lower() not in CODE:
                return False
            reason = "code belongs into a file under js" if source is None else "it is on another host"
            unfit = source is None or ELSEWHERE.match(source) is not None
        elif element.name == "link":
            reason = "it is on another host"
            unfit = ELSEWHERE.match(attrs.get("href") or "") is not None
        else:
            reason = "the page allows none"
            unfit = element.name in UNFIT or (element.name == "meta" and "http-equiv" in attrs)
        if unfit:
            self.said.append(f"<{element.name}> removed: {reason}")
        return unfit

    def _sheet(self, element: Node) -> None:
        text = "".join(child.data for child in element.children or () if isinstance(child.data, str))
        media = (element.attrs or {}).get("media")
        self._styles[f"@media {media} {{\n{text}\n}}" if media else text] = None

    def _attributes(self, element: Node) -> None:
        attrs = element.attrs or {}
        for name, value in [*attrs.items()]:
            text = value or ""
            if name == "style":
                del attrs[name]
                self._style(attrs, text)
            elif HANDLER.fullmatch(name):
                del attrs[name]
                self._handler(attrs, name.removeprefix("on"), text)
            elif name in LEADS and RUNS.match(text):
                del attrs[name]
                self.said.append(f"{name} removed from <{element.name}>: it is a script")
            elif name in LOADS and ELSEWHERE.match(text):
                self.said.append(f"<{element.name}> loads from another host: browsers will not show it")
            elif ANGULAR.match(name):
                self.said.append(f"{name} on <{element.name}> is AngularJS: it has no effect")

    def _style(self, attrs: dict[str, str | None], text: str) -> None:
        if not text.strip():
            return
        if "{" in text or "}" in text or "/*" in text:
            self.said.append("a style attribute removed: it is no list of declarations")
            return
        name = f"fl-style-{_digest(text)}"
        attrs["class"] = f"{attrs.get('class') or ''} {name}".strip()
        self._styles[f".{name}:not(#fl#fl) {{ {text} }}"] = None

    def _handler(self, attrs: dict[str, str | None], event: str, code: str) -> None:
        name = _digest(f"{event} {code}")
        attrs[HANDLER_MARK] = f"{attrs.get(HANDLER_MARK) or ''} {name}".strip()
        self._handlers[f"[{json.dumps(name)}, {json.dumps(event)}, function (event) {{\n{code}\n}}],"] = None


def elements(root: Node) -> Iterator[Node]:
    """The elements below a node, those in templates too."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Element):
            yield node
        below = [child for child in node.children or () if isinstance(child, Node)]
        inside = getattr(node, "template_content", None)
        waiting += [*([inside] if inside is not None else []), *reversed(below)]


def _remove(element: Node) -> None:
    if element.parent is not None:
        element.parent.remove_child(element)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:10]
