"""Settings that are possible each by itself and not together: one line for each, naming both and the way out."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from mtum.config.names import nearest
from mtum.config.sections import REPLAYED_SOURCES, Schedule, Settings
from mtum.config.upkeep import Mail
from mtum.core.market.instruments import InstrumentKind, instrument
from mtum.core.portfolio.fund import FUND
from mtum.core.strategies import STRATEGIES

_STEPS = (
    "window_opens_minutes",
    "snapshot_minutes",
    "data_deadline_minutes",
    "decision_deadline_minutes",
    "last_send_minutes",
)
"""Steps of the trading day in their order; each is as many minutes before the close as the next, or more."""
_OWN_MACHINE = ("127.0.0.1", "::1", "localhost")


def contradictions(settings: Settings) -> list[str]:
    """Return what does not go together among the sections, one line each."""
    return [
        *_schedule(settings.schedule),
        *_market(settings),
        *_strategy(settings),
        *_fund(settings),
        *_weights(settings),
        *_account(settings),
        *_options(settings),
        *_mail(settings.mail),
    ]


def strategy_contradictions(settings: Settings) -> list[str]:
    """Return what does not go together among the parameters of each strategy, one line each."""
    made = {f"strategy.{name}": strategy for name, strategy in settings.strategy.items()}
    made |= {f"sleeve.{name}.rules": sleeve.rules for name, sleeve in settings.sleeve.items()}
    return [f"{place}.{line}" for place, one in made.items() if one is not None for line in one.contradictions()]


def below_one_share(settings: Settings, prices: Mapping[str, float]) -> list[str]:
    """Return the symbols of which a sleeve's usual weight does not buy one share, one line each.

    Parameters
    ----------
    prices : mapping of symbol to float
        USD per share, of the symbols whose price is known; nothing is said of the others.
    """
    found = []
    for name, sleeve in settings.configured().items():
        capital = sleeve.virtual_usd if sleeve.state == "watch" else sleeve.weight * settings.portfolio.capital_usd
        buys = sleeve.state in ("on", "watch") and not sleeve.rules.OPTIONS
        for symbol, weight in sleeve.rules.usual_weights.items() if buys else ():
            price, part = prices.get(symbol), weight * capital
            if name != FUND and price is not None and 0 < part < price:
                found.append(
                    f"{name}: {symbol} usually gets {weight:.1%} of {capital:,.2f} USD, {part:,.2f} USD, and a share "
                    f"costs {price:,.2f}: it cannot be bought; give the sleeve more, or fewer symbols"
                )
    return found


def tied_up(settings: Settings, prices: Mapping[str, float]) -> list[str]:
    """Return what share of a sleeve one contract ties up, one line for each symbol whose puts cash secures.

    Parameters
    ----------
    prices : mapping of symbol to float
        USD per share, of the symbols whose price is known; nothing is said of the others.
    """
    found = []
    for name, sleeve in settings.configured().items():
        capital = sleeve.virtual_usd if sleeve.state == "watch" else sleeve.weight * settings.portfolio.capital_usd
        for symbol in sleeve.rules.universe() if sleeve.rules.CASH_SECURED and capital > 0 else ():
            price = prices.get(symbol)
            if price is not None:
                usd = 100 * price
                part = f"{usd / capital:.0%} of the sleeve's {capital:,.0f}"
                less = "; none can be sold" if usd > capital else ""
                found.append(
                    f"{name}: one put of {symbol} near {price:,.2f} ties up about {usd:,.0f} USD, {part}{less}"
                )
    return found


def _schedule(schedule: Schedule) -> Iterator[str]:
    minutes = {name: getattr(schedule, name) for name in _STEPS}
    for earlier, later in pairwise(_STEPS):
        if minutes[earlier] < minutes[later]:
            yield (
                f"schedule.{earlier}: {minutes[earlier]:g} minutes before the close is later than {later} "
                f"({minutes[later]:g})"
            )
    if schedule.last_send_minutes < 10 and not schedule.allow_late_send:
        yield (
            "schedule.last_send_minutes: below 10 an order can no longer be canceled; "
            "set schedule.allow_late_send = true to accept that"
        )


def _market(settings: Settings) -> Iterator[str]:
    source = settings.market.source
    if settings.market.dividend_source is not None and source != "ib":
        yield f'market.dividend_source: is for source "ib" only; with "{source}" the bars have their dividends'


def _strategy(settings: Settings) -> Iterator[str]:
    if settings.portfolio.strategy not in STRATEGIES:
        hint = nearest(settings.portfolio.strategy, STRATEGIES)
        yield f"portfolio.strategy: no strategy {settings.portfolio.strategy!r}{hint}"
    for name, sleeve in settings.configured().items():
        place = f"sleeve.{name}.rules" if settings.sleeve else f"strategy.{name}"
        place = "portfolio.cash_symbol" if name == FUND else place
        for symbol in sleeve.rules.universe() if sleeve.rules is not None else ():
            yield from _untradable(place, symbol)
    for name, group in settings.group.items():
        for symbol in group.symbols:
            yield from _untradable(f"group.{name}.symbols", symbol)


def _fund(settings: Settings) -> Iterator[str]:
    fund = settings.portfolio.cash_symbol
    if fund is None:
        return
    if not fund or fund != fund.strip().upper():
        yield f'portfolio.cash_symbol: "{fund}" is no ticker; write one such as "SGOV", or "none" for cash'
    for name, sleeve in settings.configured().items():
        if name != FUND and sleeve.rules is not None and fund in sleeve.rules.universe():
            yield f"portfolio.cash_symbol: {fund} is traded by {name}; keep idle cash in a fund that no sleeve trades"


def _untradable(place: str, symbol: str) -> Iterator[str]:
    kind = instrument(symbol).kind
    if kind is not InstrumentKind.STOCK:
        yield f"{place}: {symbol} is an {kind.value}; only stocks and ETFs are traded"


def _weights(settings: Settings) -> Iterator[str]:
    # A sleeve that is watched has no part of the money.
    weights = {name: sleeve.weight for name, sleeve in settings.sleeve.items() if sleeve.state != "watch"}
    if round(sum(weights.values()), 9) > 1:
        told = " + ".join(f"{weight:g} ({name})" for name, weight in weights.items())
        yield f"sleeve: the weights are {told} = {sum(weights.values()):g}; together they may be 1 at most"
    for name, weight in weights.items():
        if weight == 0 and settings.sleeve[name].state == "on":
            yield f'sleeve.{name}.weight: 0 is no money to trade with; give it a part, or state = "watch"'


def _account(settings: Settings) -> Iterator[str]:
    mode, account, source = settings.mode, settings.broker.account, settings.market.source
    usable = {"live": ("ib",), "paper": ("ib", "yahoo")}.get(mode, (source,))
    if source not in usable:
        why = "replays history" if source in REPLAYED_SOURCES else "is for backtests and second opinions"
        yield f'market.source: "{source}" {why}; mode "{mode}" needs {" or ".join(f'"{one}"' for one in usable)}'
    if mode != "practice" and not account:
        yield f'broker.account: required in mode "{mode}"'
    if mode == "live" and settings.broker.live_account != account:
        yield 'broker.live_account: must repeat broker.account in mode "live"'
    # The broker's paper accounts begin with D, and no other does.
    if mode == "paper" and account and not account.startswith("D"):
        yield f'broker.account: {account} is a live account (paper ones begin with D); mode is "paper"'
    if mode == "live" and account.startswith("D"):
        yield f'broker.account: {account} is a paper account (it begins with D); mode is "live"'


def _options(settings: Settings) -> Iterator[str]:
    if settings.trades_options and settings.mode != "practice" and not settings.options.level:
        yield (
            "options.level: 0 opens no option; the account's level stands in the broker's client portal under "
            "trading permissions: 1, 2, 3 or 4"
        )


def _mail(mail: Mail) -> Iterator[str]:
    # A partly filled mail section would look set up and send nothing.
    whole = {"mail.host": mail.host, "mail.sender": mail.sender, "mail.recipients": mail.recipients}
    given = [name for name, value in whole.items() if value] + (["mail.user"] if mail.user else [])
    if given:
        yield from (
            f"{name}: missing, while {given[0]} is set; no mail would be sent" for name in whole if not whole[name]
        )
    if mail.user and mail.security == "none" and mail.host and mail.host not in _OWN_MACHINE:
        yield f'mail.security: "none" would send the password of {mail.user} unencrypted; use "starttls" or "tls"'
