"""The form that starts a backtest: what is wrong stands at its field, and what was typed stays."""

from collections.abc import Callable, Sequence

from mtum.web.asked_backtest import MOST_LINES, plays
from mtum.web.frame import Ask, form
from mtum.web.html import Child, Html, card, tag

_WORDS = {
    "official": "the official close",
    "near_close": "what is known 20 minutes before the close",
    "same_close": "the close of the same session",
    "next_open": "the next open",
    "none": "sales pay for purchases at once",
    "calendar": "sales are paid a session later",
}


def start_form(ask: Ask) -> Html:
    """Return the form, closed while nobody asked for it."""
    title = "Start a backtest"
    if not ask.acts:
        return card(title, tag("p", ask.why_not, class_="note"))
    settings, known = ask.records.settings, plays(ask.records.settings)
    whole = "the whole account" if settings.has_sleeves else f"the account: {settings.portfolio.strategy}"
    names = [("", whole)]
    names += [(f"sleeve:{name}", f"sleeve {name}") for name in known["sleeve"]]
    names += [(f"strategy:{name}", f"{name} alone, with all the money") for name in known["strategy"]]
    day = {"inputmode": "numeric", "placeholder": "YYYY-MM-DD"}
    sources = [("", f"the settings: {settings.market.source}"), ("sample", "the embedded market")]
    further = [
        _chosen(ask, "source", "bars from", sources),
        _chosen(ask, "decision", "decides on", _named("official", "near_close")),
        _chosen(ask, "fill", "fills at", _named("same_close", "next_open")),
        _chosen(ask, "settlement", "settlement", _named("none", "calendar")),
        _text(ask, "slippage", "slippage, basis points a fill", inputmode="decimal", placeholder="0"),
        _field(
            ask,
            "changes",
            f"settings changed, one KEY=VALUE a line, {MOST_LINES} at most",
            lambda **more: tag("textarea", ask.given.get("changes", ""), name="changes", rows="3", maxlength="8000",
                             spellcheck="false", placeholder="portfolio.cost_frac=0.002", **more),
        ),
        _tick(ask, "skip_unfit", "leave out symbols whose bars are not fit"),
        _tick(ask, "check", "also check how far it can be trusted; takes longer"),
    ]  # fmt: skip
    general = ask.wrong.get("")
    inside = form(
        ask,
        "/research",
        tag("p", general, class_="note", role="alert") if general else None,
        tag(
            "div",
            _chosen(ask, "play", "what is played", names),
            _text(
                ask, "symbol", "on another symbol", maxlength="15", placeholder="its own", autocapitalize="characters"
            ),
            _text(ask, "start", "first session", **day),
            _text(ask, "end", "last session", **day),
            class_="fields",
        ),
        tag("details", tag("summary", "More"), tag("div", *further, class_="fields"), open=bool(ask.wrong)),
        tag("button", "Start"),
    )
    says = "It runs beside everything else at the lowest priority, one at a time, and none while orders are made."
    return card(
        title,
        tag("details", tag("summary", "Choose what to play"), tag("p", says, class_="quiet"), inside,
            open=bool(ask.wrong)),
    )  # fmt: skip


def _named(*names: str) -> list[tuple[str, str]]:
    return [(name, _WORDS[name]) for name in names]


def _text(ask: Ask, name: str, told: str, **more: str) -> Html:
    return _field(
        ask,
        name,
        told,
        lambda **marks: tag("input", name=name, value=ask.given.get(name, ""), autocomplete="off", **{**more, **marks}),
    )


def _chosen(ask: Ask, name: str, told: str, choices: Sequence[tuple[str, str]]) -> Html:
    given = ask.given.get(name, "")
    options = [tag("option", words, value=word, selected=word == given) for word, words in choices]
    return _field(ask, name, told, lambda **marks: tag("select", *options, name=name, **marks))


def _tick(ask: Ask, name: str, told: str) -> Html:
    wrong, box = ask.wrong.get(name), tag("input", type="checkbox", name=name, value="yes",
                                          checked=ask.given.get(name) == "yes")  # fmt: skip
    error = tag("span", wrong, class_="wrong", role="alert") if wrong else None
    return tag("label", box, told, error, class_="tick")


def _field(ask: Ask, name: str, told: str, made: Callable[..., Html]) -> Html:
    wrong = ask.wrong.get(name)
    first = next(iter(ask.wrong), None) == name
    marks: dict[str, str | bool] = {"id": f"backtest-{name}"}
    if wrong:
        marks |= {"aria_invalid": "true", "aria_describedby": f"wrong-{name}", "autofocus": first}
    error: Child = tag("span", wrong, id=f"wrong-{name}", class_="wrong", role="alert") if wrong else None
    return tag("label", told, made(**marks), error)
