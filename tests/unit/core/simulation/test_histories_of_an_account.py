"""An account whose sleeves hold symbols that begin late, pay, lack a session or end; worked out by hand."""

from decimal import Decimal

import pytest

from mtum.core.coordination.account import AccountRules
from mtum.core.coordination.transfers import FundRules
from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.costs import IbTieredCosts, PercentCosts, ThirdPartyFees
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.fund import FUND, CashFund
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.played import FillModel, PlayedAccount, PlayTerms
from mtum.core.simulation.session_path import play_account
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.buy_and_hold import BuyAndHold
from support.markets import weekdays
from support.values import replace

DAYS = weekdays(12)
RULES = PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts(Decimal("0.001"))), LossRules(None))
TERMS = PlayTerms(2000.0, RULES)


def bars(symbol: str, closes: dict[int, float], dividends: dict[int, float] | None = None) -> Bars:
    paid = [(dividends or {}).get(at, 0.0) for at in closes]
    columns = {**{name: [*closes.values()] for name in PRICE_COLUMNS}, "volume": [1e4] * len(closes), "dividend": paid}
    return Bars.from_columns(symbol, "scripted", [DAYS[at] for at in closes], columns)


def halves(first: tuple[str, ...], second: tuple[str, ...], rules: PortfolioRules = RULES) -> list[Sleeve]:
    return [
        Sleeve(name, BuyAndHold(symbols=symbols), 0.5, SleeveState.ON, 0.0, "", rules)
        for name, symbols in (("one", first), ("two", second))
    ]


def orders_of(account: PlayedAccount) -> list[tuple[int, str, str, str, int, float]]:
    return [
        (DAYS.index(one.session), one.sleeve, one.symbol, one.side.value, one.shares, one.price)
        for one in account.total.orders
    ]


def test_sleeves_that_hold_what_ends_are_each_paid_at_its_last_close() -> None:
    """1,000 USD each. GONE: 9 shares each at 50.05; the dividend of 0.335 is 3.015 a sleeve, 3.02 to the cent.

    one: 1000 - 450.45 - 24 x 20.02 + 3.02 + 540 - 0.54 = 611.55, and 24 x 20 in STAYS.
    two: 1000 - 450.45 + 3.02 + 539.46 = 1092.03; LATE alone is listed then: 121 x 9 = 1089, less 1.09.
    """
    history = SessionHistory(
        {
            "GONE": bars("GONE", {0: 50.0, 1: 55.0, 2: 60.0}, {1: 0.335}),
            "STAYS": bars("STAYS", dict.fromkeys(range(8), 20.0)),
            "LATE": bars("LATE", dict.fromkeys(range(5, 8), 9.0)),
        },
        {},
    )
    account = play_account(history, halves(("GONE", "STAYS"), ("GONE", "LATE")), TERMS, 0, 8)
    assert orders_of(account) == [
        (0, "one", "GONE", "BUY", 9, 50.0),
        (0, "one", "STAYS", "BUY", 24, 20.0),
        (0, "two", "GONE", "BUY", 9, 50.0),
        (3, "one", "GONE", "SELL", 9, 60.0),
        (3, "two", "GONE", "SELL", 9, 60.0),
        (5, "two", "LATE", "BUY", 121, 9.0),
    ]
    ends = {name: one.played.final_equity_usd for name, one in account.sleeves.items()}
    assert ends == {"one": pytest.approx(611.55 + 480), "two": pytest.approx(1.94 + 1089)}
    assert account.total.final_equity_usd == pytest.approx(2182.49), "to the cent the sum of its sleeves"
    assert account.shares["GONE"].tolist() == [18, 18, 18, 0, 0, 0, 0, 0]
    assert [note.split(":")[:2] for note in account.total.notes] == [["one", " GONE"], ["two", " GONE"]]
    by_sleeve = [one.played.costs["commission"] for one in account.sleeves.values()]
    assert by_sleeve == [pytest.approx(1.47), pytest.approx(2.08)]
    assert account.total.costs["commission"] == pytest.approx(3.55)


def test_an_account_that_holds_nothing_but_its_cash_fund_is_not_invested() -> None:
    """LATE begins on the fourth session; until then 1,900 of the 2,000 USD are in the fund at 10."""
    history = SessionHistory(
        {"LATE": bars("LATE", dict.fromkeys(range(3, 6), 9.0)), "BILL": bars("BILL", dict.fromkeys(range(6), 10.0))}, {}
    )
    sleeves = [
        Sleeve("one", BuyAndHold(symbols=("LATE",)), 1.0, SleeveState.ON, 0.0, "", RULES),
        Sleeve(FUND, CashFund("BILL"), 0.0, SleeveState.ON, 0.0, "", RULES),
    ]
    terms = replace(TERMS, account=AccountRules(fund=FundRules(keep_usd=100.0, step_usd=100.0)))
    account = play_account(history, sleeves, terms, 0, 6)
    assert account.shares["BILL"][0] == 189, "190 would cost 1,901.90 USD with 0.1 %"
    assert account.total.held.tolist()[:3] == [0.0, 0.0, 0.0]
    assert account.total.held[-1] == 1.0


def test_a_symbol_without_a_bar_is_worth_its_newest_close_and_nothing_of_it_trades() -> None:
    """GAP has no bar in the second and the fifth session: its order lapses there, later it keeps its close of 55."""
    history = SessionHistory(
        {
            "GAP": bars("GAP", {0: 50.0, 2: 50.0, 3: 55.0, 5: 60.0}),
            "STAYS": bars("STAYS", dict.fromkeys(range(6), 20.0)),
        },
        {},
    )
    terms = replace(TERMS, fill=FillModel.NEXT_OPEN)
    account = play_account(history, halves(("GAP", "STAYS"), ("STAYS",)), terms, 0, 6)
    assert orders_of(account) == [
        (1, "one", "STAYS", "BUY", 24, 20.0),
        (1, "two", "STAYS", "BUY", 49, 20.0),
        (3, "one", "GAP", "BUY", 9, 55.0),
    ]
    # 1000 - 24 x 20.02 - 9 x 55.055, 24 x 20 in STAYS, and GAP
    rest = 1000 - 480.48 - 495.5 + 480
    assert account.sleeves["one"].played.equity[3:].tolist() == pytest.approx(
        [rest + 9 * 55, rest + 9 * 55, rest + 9 * 60]
    )


def test_the_tiers_of_a_month_count_the_shares_of_all_sleeves() -> None:
    """A schedule of 0.01 a share up to 100 a month and 0.001 beyond: what the first bought makes the second cheaper."""
    tiers = IbTieredCosts(ThirdPartyFees(*(Decimal(0),) * 6), ((100, Decimal("0.01")),), Decimal("0.001"), Decimal(0))
    rules = replace(RULES, sizing=replace(RULES.sizing, costs=tiers))
    history = SessionHistory({"AAA": bars("AAA", dict.fromkeys(range(3), 10.0))}, {})
    account = play_account(history, halves(("AAA",), ("AAA",), rules), replace(TERMS, rules=rules), 0, 3)
    assert [one.shares for one in account.total.orders] == [99, 99], "1000 / 10.01"
    # 99 x 0.01, then 1 x 0.01 and 98 x 0.001
    assert [one.played.costs["commission"] for one in account.sleeves.values()] == [0.99, 0.11]
