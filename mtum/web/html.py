"""HTML made of elements: every text is escaped, unless it is HTML made here."""

import re
from collections.abc import Iterable
from datetime import datetime
from html import escape
from math import isfinite

from mtum.core.market.calendars import NEW_YORK
from mtum.core.reporting import figures

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)")
_AMOUNT = re.compile(r"[+\N{MINUS SIGN}]?[\d,.]+ USD")
NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


type Child = str | Iterable[Child] | None


def joined(*children: Child) -> Html:
    """Return children one after the other; None is nothing."""
    return Html("".join(_texts(children)))


def _texts(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(child)
        elif child is not None:
            yield from _texts(child)


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name : str
        Name of the element.
    children : str, Html, None or an iterable of them
        What is inside; text is escaped.
    attributes : str, number, bool or None
        `class_` is class, `data_at` is data-at; True stands alone, False and None are left out.
    """
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if given is True else f'="{escape(str(given))}"')
        for key, given in attributes.items()
        if given is not None and given is not False
    )
    return Html(f"<{name}{told}>" if name in _VOID else f"<{name}{told}>{joined(*children)}</{name}>")


def _known(amount: float | None) -> float | None:
    return amount if amount is not None and isfinite(amount) else None


def usd(amount: float | None, *, sign: bool = False) -> str:
    """Return an amount in USD; what is no number is a dash."""
    known = _known(amount)
    return NOTHING if known is None else figures.minus(f"{figures.number(known, sign=sign)}") + " USD"


def percent(frac: float | None, decimals: int = 2, *, sign: bool = True) -> str:
    """Return a fraction as a percentage; what is no number is a dash.

    Parameters
    ----------
    frac : float or None
        Fraction to show; None is unknown.
    decimals : int
        Digits behind the point.
    sign : bool
        Whether a plus sign is shown.
    """
    known = _known(frac)
    return NOTHING if known is None else figures.minus(figures.percent(known, decimals, sign=sign))


def number(amount: float | None) -> str:
    """Return a number as a trader reads it; what is no number is a dash."""
    known = _known(amount)
    return NOTHING if known is None else figures.minus(figures.decimals(known))


def day(text: str) -> "Html":
    """Return a date that no line is broken in."""
    return tag("span", text, class_="day")


def ratio(amount: float | None) -> str:
    """Return a number with two decimals; what is no number is a dash."""
    known = _known(amount)
    return NOTHING if known is None else figures.minus(figures.number(known))


def change(amount: float | None, words: str) -> Html:
    """Return the words of a gain or a loss: an arrow beside them, so that color alone tells nothing."""
    known = _known(amount)
    if not known:
        return tag("span", words, class_="num")
    way, arrow = ("up", "\N{BLACK UP-POINTING TRIANGLE}") if known > 0 else ("down", "\N{BLACK DOWN-POINTING TRIANGLE}")
    return tag("span", tag("span", arrow, aria_hidden="true"), f" {words}", class_=f"num {way}")


def vote(mean: float | None) -> Child:
    """Return where indicators point: sign, arrow and word."""
    if mean is None:
        return NOTHING
    word = "up" if mean > 0 else "down" if mean < 0 else "neither"
    return change(mean, f"{figures.minus(f'{mean:+.2f}')} {word}")


def _unbroken(cell: Child) -> Child:
    # A date or an amount over two lines is read as two.
    if not isinstance(cell, str) or isinstance(cell, Html):
        return cell
    if _AMOUNT.fullmatch(cell):
        return tag("span", cell, class_="num")
    first, *rest = _DATE.split(cell)
    if not rest:
        return cell
    return tag("span", first, *(day(words) if place % 2 == 0 else words for place, words in enumerate(rest)))


def table(heads: Iterable[str], rows: Iterable[Iterable[Child]], caption: str = "", *, wide: bool = False) -> Html:
    """Return a table; on a phone each row is a card, its heads beside the cells.

    Parameters
    ----------
    heads : iterable of str
        Heads of the columns.
    rows : iterable of iterable of Child
        Cells by row.
    caption : str
        What the table shows, for those who hear it.
    wide : bool
        Whether it scrolls sideways instead.
    """
    names = list(heads)
    body = [
        tag("tr", *(tag("td", cell if wide else _unbroken(cell), data_head=name)
                    for name, cell in zip(names, row, strict=True)))
        for row in rows
    ]  # fmt: skip
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    told = tag("caption", caption) if caption else None
    # Few columns fit on any screen, many need a desk.
    looks = "wide" if wide else "few" if len(names) < 4 else "stacks many" if len(names) > 6 else "stacks"
    inside = tag("table", told, head, tag("tbody", *body), class_=looks)
    return (
        tag("div", inside, class_="scroll", tabindex="0", role="region", aria_label=caption or "table")
        if wide
        else inside
    )


def card(title: str, *children: Child, class_: str = "") -> Html:
    """Return a part of a page under its title.

    Parameters
    ----------
    title : str
        Title.
    children : Child
        What stands inside.
    class_ : str
        Further class of the element.
    """
    return tag("section", tag("h2", title), *children, class_=f"card {class_}".rstrip())


def facts(pairs: Iterable[tuple[str, Child]]) -> Html:
    """Return names with what is known of each."""
    return tag("dl", *((tag("div", tag("dt", name), tag("dd", told))) for name, told in pairs), class_="facts")


def empty(words: str, command: str = "") -> Html:
    """Return what a part says that has nothing to show, and the command that changes that."""
    return tag("p", words, tag("code", command) if command else None, class_="empty")


def new_york(at: datetime | str) -> str:
    """Return an instant as a day and a time in New York."""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{instant.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York"
