"""The frame of every page: banner, navigation, what is shown while there is nothing, and what an error looks like."""

from collections.abc import Callable, Mapping
from importlib import import_module

from msgspec import Struct, field

from mtum.web.html import Child, Html, card, empty, joined, tag
from mtum.web.records import Records
from mtum.web.registry import PAGES

BAR = 4
"""Pages that a phone shows in its bar; the others are behind "More"."""
STATIC = {
    "site.css": "text/css",
    "site.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "site.webmanifest": "application/manifest+json",
}
"""Files that pages bring along, and their kind."""


class Ask(Struct, frozen=True):
    """What a page is asked.

    Parameters
    ----------
    query : mapping of str to str
        The part of the address behind "?".
    token : str
        What its forms carry.
    acts : bool
        Whether its forms may be sent; else `why_not` says why.
    given, wrong : mapping of str to str
        Of a form that was refused: what its fields held, and what is wrong with which.
    """

    records: Records
    query: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    acts: bool = False
    why_not: str = ""
    signed_in: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)


def page_of(path: str, ask: Ask) -> Html:
    """Return the page at a path of the registry."""
    title, target = PAGES[path]
    module, _, name = target.partition(":")
    work: Callable[[Ask], Child] = getattr(import_module(module), name)
    return framed(title, path, ask, work(ask))


def framed(title: str, path: str, ask: Ask | None, *children: Child) -> Html:
    """Return a whole page; without an `ask` it tells nothing of the account, as before the password.

    Parameters
    ----------
    title : str
        Title.
    path : str
        Address of the page.
    ask : Ask or None
        What a page is asked; None for none.
    children : Child
        What stands inside.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} \N{MIDDLE DOT} mtum"),
        tag("link", rel="stylesheet", href="/static/site.css"),
        tag("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        tag("link", rel="manifest", href="/static/site.webmanifest", crossorigin="use-credentials"),
        tag("script", src="/static/site.js", defer=True),
    )
    heading = tag("h1", title)
    body = [tag("a", "Skip to the content", href="#content", class_="skip")]
    if ask is not None:
        body += [_banner(ask), _navigation(path)]
    body += [tag("main", heading, *children, id="content", tabindex="-1")]
    if ask is not None:
        out = tag("form", _hidden(ask), tag("button", "Sign out"), method="post", action="/logout")
        body.append(
            tag("footer", tag("p", "Times are New York's unless another zone is named. ",
                              tag("a", "API", href="/docs")), out if ask.signed_in else None)
        )  # fmt: skip
    return Html("<!doctype html>" + tag("html", head, tag("body", *body), lang="en"))


def _hidden(ask: Ask) -> Html:
    return tag("input", type="hidden", name="token", value=ask.token)


def form(ask: Ask, action: str, *children: Child) -> Html:
    """Return a form that carries its token.

    Parameters
    ----------
    ask : Ask
        What a page is asked.
    action : str
        Address that the form is sent to.
    children : Child
        What stands inside.
    """
    return tag("form", _hidden(ask), *children, method="post", action=action)


def _banner(ask: Ask) -> Html:
    settings = ask.records.settings
    live = settings.mode == "live"
    words = {"live": "LIVE: real money", "paper": "Paper account", "practice": "Practice: simulated money"}
    market = settings.market.source + (f" {settings.market.sample}" if settings.market.source == "sample" else "")
    account = settings.broker.account or "PRACTICE"
    return tag(
        "header",
        tag("span", words[settings.mode] + (", newest demo" if ask.records.demo else "")),
        tag("span", f"account {account}", class_="where"),
        tag("span", f"market {market}", class_="where"),
        tag("span", "connecting", id="live", class_="stale", role="status"),
        id="banner",
        class_="live-money" if live else None,
    )


def _navigation(path: str) -> Html:
    def link(key: str) -> Html:
        return tag("a", PAGES[key][0], href=f"/{key}", aria_current="page" if key == path else None)

    names = list(PAGES)
    rest = names[BAR:]
    more = tag("details", tag("summary", "More"), tag("div", *map(link, rest)))
    return tag(
        "nav",
        tag(
            "ul",
            *(tag("li", link(key)) for key in names[:BAR]),
            *(tag("li", link(key), class_="rest") for key in rest),
            tag("li", more) if rest else None,
        ),
        aria_label="Pages",
    )


def error_page(title: str, path: str, ask: Ask | None, words: str, advice: str = "") -> Html:
    """Return the page that stands in place of one that could not be made.

    Parameters
    ----------
    title : str
        Title.
    path : str
        Address of the page.
    ask : Ask or None
        What a page is asked; None for none.
    words : str
        What a person reads.
    advice : str
        What the person can do.
    """
    return framed(title, path, ask, card("Not to be shown now", tag("p", words), tag("p", advice) if advice else None,
                                         class_="alert"))  # fmt: skip


def nothing_yet() -> Html:
    """Return what every page says before the first run."""
    return card(
        "Nothing is recorded yet",
        empty("The first session is played with ", "mtum run"),
        empty("A whole year on the embedded market is played with ", "mtum demo --portfolio"),
        tag("p", "This page fills by itself as soon as something is recorded."),
    )


def sign_in_page(token: str, words: str = "") -> Html:
    """Return the page that asks for the password."""
    return framed(
        "Sign in",
        "",
        None,
        tag(
            "section",
            tag("p", words, class_="note", role="alert") if words else None,
            tag(
                "form",
                tag("input", type="hidden", name="token", value=token),
                tag(
                    "label",
                    "Password",
                    tag("input", type="password", name="password", autocomplete="current-password", required=True,
                        autofocus=True),
                ),
                tag("button", "Sign in"),
                method="post",
                action="/login",
            ),
            class_="card login",
        ),
    )  # fmt: skip


def api_page(ask: Ask, document: Mapping[str, object]) -> Html:
    """Return the addresses of the API as its OpenAPI document lists them."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    rows = [
        tag("tr", tag("td", tag("code", f"{method.upper()} {path}")), tag("td", str(deed.get("summary", ""))),
            tag("td", ", ".join(one["name"] for one in deed.get("parameters", ()))))
        for path, deeds in paths.items()
        for method, deed in deeds.items()
    ]  # fmt: skip
    head = tag("tr", *(tag("th", name, scope="col") for name in ("address", "what it tells", "parameters")))
    inside = joined(
        tag("p", "Every document is shaped as the command of that name answers with --json. ",
            tag("a", "OpenAPI", href="/api/v1/openapi.json")),
        tag("div", tag("table", tag("thead", head), tag("tbody", *rows), class_="wide"), class_="scroll", tabindex="0",
            role="region", aria_label="addresses"),
    )  # fmt: skip
    return framed("API", "docs", ask, card("Addresses", inside))
