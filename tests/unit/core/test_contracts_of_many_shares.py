"""A contract of 100 shares costs a hundred times its price wherever money is counted."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.decide import decide, equity_at
from mtum.core.market.instruments import unit_usd
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Book, PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.exchange import advance, correct_execution, place
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Holding
from mtum.core.view import MarketView
from support.bars import bars_of
from support.exchange import TENTH_PERCENT, exchange, moment, ticket
from support.values import replace

CALL = "MTUM  181221C00100000"
RULES = PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts(Decimal("0.001"))), LossRules(1e9))


def test_a_price_is_per_share_and_a_contract_is_worth_a_hundred_of_them() -> None:
    assert (unit_usd("MTUM", 2.5), unit_usd(CALL, 2.5), unit_usd(CALL, Decimal("2.5"))) == (2.5, 250.0, Decimal(250))


def test_a_decision_buys_the_contracts_that_the_cash_pays_for() -> None:
    bars = bars_of([2.5, 2.5], first=date(2018, 12, 3), symbol=CALL)
    view = MarketView(bars.last_day, {CALL: bars}, {}, {})
    (order,) = decide(view, BuyAndHold(CALL), Book({}, 5000.0, 5000.0), RULES).orders
    assert order.shares == 19  # 5,000 / 250.25 = 19.98
    book = Book({CALL: Holding(CALL, 19, 2.5)}, 245.25, 245.25)
    assert equity_at(book, view.prices) == pytest.approx(4995.25)
    assert decide(view, BuyAndHold(CALL), book, RULES).equity_usd == pytest.approx(4995.25)


def test_a_backtest_session_by_session_counts_contracts() -> None:
    bars = bars_of([2.0, 2.5, 3.0], first=date(2018, 12, 3), symbol=CALL)
    played = play_sessions(SessionHistory({CALL: bars}, {}), BuyAndHold(CALL), PlayTerms(5000.0, RULES), 0, 3)
    # 24 at 200 cost 4,800 and 4.80: 195.20 are left, and 200 or 50 USD more a contract follow.
    assert list(played.equity) == pytest.approx([4995.2, 6195.2, 7395.2])
    (trade,) = played.trades
    assert (trade.shares, trade.entry_price) == (24, 2.0)
    assert trade.pnl_usd == pytest.approx(24 * 100 - 4.8)


def test_the_simulated_exchange_moves_the_money_of_contracts() -> None:
    asked = replace(ticket(shares=3), symbol=CALL)
    market = moment(price="2.50", symbol=CALL)
    _, answer = place(exchange("750"), asked, market, TENTH_PERCENT)
    assert "needs USD 750.75" in str(answer)
    state, _ = place(exchange("751"), asked, market, TENTH_PERCENT)
    _, beside = place(state, replace(asked, ref="r-2", shares=1), market, TENTH_PERCENT)
    assert "needs USD 250.25, settled cash free USD 1.00" in str(beside)
    closed, _ = advance(state, moment(-1, price="2.50", symbol=CALL), TENTH_PERCENT)
    (account,) = closed.accounts
    assert (account.cash, account.position(CALL).shares) == (Decimal("0.25"), Decimal(3))
    # 750 and 0.75 for three: what IB calls the average cost of a contract.
    assert account.position(CALL).average_cost == Decimal("250.25")
    (execution,) = closed.executions
    corrected = correct_execution(closed, execution.exec_id, Decimal("2.49"))
    assert corrected.accounts[0].cash == Decimal("3.25")
