"""A stored decision replays to itself, whatever the market and the book."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core import record
from mtum.core.canonical import canonical
from mtum.core.decide import decide
from mtum.core.market.bars import Bars, ProvisionalBar
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import Book, PortfolioRules
from mtum.core.portfolio.limits import LossRules, LossState, Restriction
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Holding, Strategy
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.view import MarketView
from support.markets import made_up_bars
from support.values import replace

MARKETS = [made_up_bars(120, seed, "MTUM") for seed in range(8)]
NAN = float("nan")
words = st.sampled_from(["rsi_low", "vix_fear", "mismatch", "flatten"])
marks = st.dictionaries(st.just("MTUM"), words)
usd = st.floats(-1e4, 1e5)


@st.composite
def views(draw: st.DrawFn) -> MarketView:
    """A market that ends anywhere past the warm-up, today's volume perhaps unproven."""
    bars = draw(st.sampled_from(MARKETS))
    bars = bars.until(bars.day(draw(st.integers(60, 119))))
    today = bars.bar(len(bars) - 1)
    seen = replace(today, volume=draw(st.sampled_from([today.volume, today.volume * 1.7, NAN])))
    shown: Bars = bars.until(bars.day(len(bars) - 2)).extended(seen)
    share = draw(st.none() | st.floats(0.5, 1.0))
    midpoint = draw(st.none() | st.floats(1.0, 200.0))
    provisional = ProvisionalBar(seen, 1000.0, share, datetime(2010, 6, 1, 19, 40, 1, 250000, UTC), midpoint)
    vix = draw(st.none() | st.floats(5, 60))
    return MarketView(shown.last_day, {"MTUM": shown}, {"VIX": vix}, {"MTUM": provisional})


holdings = st.builds(
    Holding,
    st.just("MTUM"),
    st.integers(0, 90),
    st.none() | st.floats(30, 90),
    st.none() | st.dates(date(2010, 1, 4), date(2010, 6, 1)),
    st.dictionaries(st.just("atr"), st.floats(0.1, 5)),
    st.none() | st.integers(0, 9),
)
books = st.builds(
    Book,
    st.dictionaries(st.just("MTUM"), holdings),
    usd,
    usd,
    exit_pending=marks,
    forced_exits=marks,
    unsettled_usd=usd,
    receivable_usd=usd,
    losses=st.builds(LossState, usd, usd, paused=st.booleans(), peak_equity_usd=usd, flows_since_usd=usd),
    restriction=st.sampled_from(Restriction),
    entries_barred=marks,
    exits_barred=marks,
    unsellable_shares=st.dictionaries(st.just("MTUM"), st.integers(1, 90)),
)
rules = st.builds(
    PortfolioRules,
    st.builds(
        SizingRules,
        st.sampled_from([0.3, 1.0]),
        st.sampled_from([2000.0, 1e12]),
        st.sampled_from([0.0, 0.005]),
        st.sampled_from([PercentCosts(Decimal("0.001")), IbFixedCosts()]),
    ),
    st.builds(LossRules, st.just(500.0), st.booleans(), st.none() | st.just(0.1)),
)
strategies = st.sampled_from([MtumConfluence(), MtumConfluence(reentry_cooldown_sessions=3), BuyAndHold("MTUM")])


@settings(max_examples=150)
@given(views(), books, rules, strategies)
def test_a_stored_decision_replays_to_itself(
    view: MarketView, book: Book, limits: PortfolioRules, strategy: Strategy
) -> None:
    first = record.decision_document(decide(view, strategy, book, limits))
    text = canonical(record.frame_of(view, book, strategy))
    frame = json.loads(text)
    assert record.differences(first, record.replayed(frame, strategy, limits)) == []
    assert canonical(record.replayed(frame, strategy, limits)) == canonical(first)
    assert record.book_of(frame) == book
    assert canonical(record.frame_of(record.view_of(frame), record.book_of(frame), strategy)) == text
