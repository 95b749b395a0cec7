"""The history of an account: what each of its sleeves needs, checked sleeve by sleeve and played as one."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.load import Loaded, first_day, load, sessions_of
from mtum.core.coordination.account import AccountRules
from mtum.core.market.bars import Bars
from mtum.core.plans import sessions_looked_at
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.simulation.session_views import SessionHistory
from mtum.errors import UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar


class LoadedAccount(Struct, frozen=True):
    """Checked bars of every sleeve in one history.

    Parameters
    ----------
    sleeves : tuple of Sleeve
        Without the symbols that were left out.
    first : int
        Position of the first session that all of them can decide.
    """

    market: SessionHistory
    sleeves: tuple[Sleeve, ...]
    first: int
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def load_account(
    asked: BacktestRequest, sleeves: Sequence[Sleeve], rules: AccountRules, source: BarSource, calendar: Calendar
) -> LoadedAccount:
    """Read, cut and check the histories of an account; it begins at the first session that all sleeves can decide.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    sleeves : sequence of Sleeve
        Sleeves of the account.
    rules : AccountRules
        Limits on the purchases of all sleeves together; None and 1.0 mean no limit. And how their cash moves.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.

    Raises
    ------
    UsageError
        If no sleeve that owns money decides anything.
    BarsMissingError, BarsInvalidError
        If the bars of a sleeve are too few or break a rule, naming the first session that does.
    """
    deciding = [one for one in sleeves if one.decides]
    if not any(one.owns_money and one.name != FUND for one in deciding):
        raise UsageError(
            'every sleeve is "off" or only watched: there is no money to play with; set the state of one to "on", or '
            "play one alone with --sleeve NAME"
        )
    read: dict[str, Bars] = {}
    begins = max(first_day(_request(asked, one), one.strategy, source, read) for one in deciding)
    loaded = {
        one.name: load(replace(_request(asked, one), start=begins), one.strategy, source, calendar, read)
        for one in deciding
    }
    first = max(one.market.day(one.first) for one in loaded.values())
    market = _together([*loaded.values()], read, first, sessions_looked_at(rules))
    if any(one.strategy.CALENDAR for one in loaded.values()) or _looks_ahead(rules):
        market = replace(market, calendar=sessions_of(calendar, market))
    left_out = {symbol: why for one in loaded.values() for symbol, why in one.left_out.items()}
    return LoadedAccount(
        market=market,
        sleeves=tuple(
            replace(one, strategy=loaded[one.name].strategy) if one.name in loaded else one for one in sleeves
        ),
        first=int(np.searchsorted(market.days, np.datetime64(first))),
        notes=tuple(dict.fromkeys(note for one in loaded.values() for note in one.notes)),
        left_out=left_out,
    )


def _request(asked: BacktestRequest, sleeve: Sleeve) -> BacktestRequest:
    # What a sleeve would be asked if it were alone.
    own = {symbol: shares for symbol, shares in asked.holdings.items() if symbol in sleeve.symbols}
    return replace(asked, holdings=own, benchmark=sleeve.benchmark or None)


def _looks_ahead(rules: AccountRules) -> bool:
    # Whether a session is the last of its period the one after it tells.
    return rules.transfers.period != "none"


def _together(loaded: Sequence[Loaded], read: Mapping[str, Bars], first: date, least: int) -> SessionHistory:
    """Return one history of all of them: of each symbol the most bars that one needs, of each series every value.

    Parameters
    ----------
    least : int
        Bars up to the first session that the limits of the account look at, as far as they are there.
    """
    bars: dict[str, Bars] = {}
    series: dict[str, dict[date, float]] = {}
    for one in loaded:
        for symbol, own in one.market.bars.items():
            if symbol not in bars or len(own) > len(bars[symbol]):
                bars[symbol] = own
        for name, values in one.market.series.items():
            series.setdefault(name, {}).update(values)
    for symbol in [*bars] if least else ():
        if symbol in read:
            whole = read[symbol]
            begun = int(np.searchsorted(whole.days, np.datetime64(first), "right"))
            bars[symbol] = max(bars[symbol], whole[max(0, begun - least) :], key=len)
    dividends = {symbol: told for one in loaded for symbol, told in one.market.dividends.items()}
    unquoted = {symbol: days for one in loaded for symbol, days in one.market.unquoted.items()}
    return SessionHistory(bars, series, (), dividends, unquoted)
