"""HTML made of elements: whatever is not markup made here is text, and is escaped."""

from html import escape

_WITHOUT_END = frozenset({"meta", "link", "br"})


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Make an element; None among children or attributes is left out, `class_` is class, `data_x` is data-x."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _WITHOUT_END:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(*children)}</{tag}>")


def joined(*children: object) -> Html:
    """Put markup and text one after another."""
    present = (child for child in children if child is not None)
    return Html("".join(child if isinstance(child, Html) else escape(str(child)) for child in present))
