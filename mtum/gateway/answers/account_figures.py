"""The figures of an account: cash, worth, profit; in its base currency and per currency."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from mtum.core.portfolio.orders import Side
from mtum.core.simulation.exchange_queries import executions_of
from mtum.core.simulation.exchange_state import AccountKind, ExchangeAccount
from mtum.gateway.behavior import Behavior
from mtum.gateway.floor import Floor
from mtum.gateway.wire.account_messages import money

LEDGER_PREFIX = "$LEDGER-"


@dataclass(frozen=True, slots=True)
class Figures:
    """Amounts of one account in USD."""

    cash: Decimal
    settled: Decimal
    worth: Decimal
    unrealized: Decimal
    realized: Decimal
    daily: Decimal

    @property
    def net(self) -> Decimal:
        """Cash and positions."""
        return self.cash + self.worth


def figures_of(floor: Floor, account: ExchangeAccount) -> Figures:
    """Work out an account's figures at the market's prices."""
    worth = unrealized = Decimal(0)
    for held in account.positions:
        price = floor.market.price(held.symbol) or held.average_cost
        worth += price * held.shares
        unrealized += (price - held.average_cost) * held.shares
    settled = min(account.settled_cash, account.cash)
    daily = _daily(floor, account)
    return Figures(account.cash, settled, worth, unrealized, account.realized_pnl, daily)


def account_values(figures: Figures, account: ExchangeAccount, behavior: Behavior) -> Iterator[tuple[str, str, str]]:
    """All (key, text, currency) of an account, as the account updates list them."""
    yield from (
        ("AccountCode", account.code, ""),
        ("AccountReady", "true", ""),
        ("AccountType", "INDIVIDUAL", ""),
        ("TradingType-S", "STKCASH" if account.kind is AccountKind.CASH else "STKMRGN", ""),
    )
    for key, amount in base_amounts(figures, account, behavior).items():
        yield key, money(amount), behavior.base_currency
    prefix = LEDGER_PREFIX if behavior.ledger_prefix else ""
    for key, text, currency in ledger_values(figures, behavior):
        yield f"{prefix}{key}", text, currency


def base_amounts(figures: Figures, account: ExchangeAccount, behavior: Behavior) -> dict[str, Decimal]:
    """Amounts in the base currency, by the account summary's tags."""
    rate, extra = behavior.base_rate, behavior.base_cash
    cash, net, settled = (amount / rate + extra for amount in (figures.cash, figures.net, figures.settled))
    worth = figures.worth / rate
    margin = Decimal(0) if account.kind is AccountKind.CASH else worth / 2
    power = settled if account.kind is AccountKind.CASH else (net - margin) * 4
    return {
        "NetLiquidation": net,
        "TotalCashValue": cash,
        "SettledCash": settled,
        "AccruedCash": Decimal(0),
        "BuyingPower": power,
        "EquityWithLoanValue": net,
        "GrossPositionValue": worth,
        "InitMarginReq": margin,
        "MaintMarginReq": margin,
        "FullInitMarginReq": margin,
        "FullMaintMarginReq": margin,
        "AvailableFunds": settled if account.kind is AccountKind.CASH else net - margin,
        "ExcessLiquidity": net - margin,
        "FullAvailableFunds": net - margin,
        "FullExcessLiquidity": net - margin,
    }


def ledger_values(figures: Figures, behavior: Behavior) -> Iterator[tuple[str, str, str]]:
    """Figures per currency: USD, the base currency if it is another, and their sum BASE."""
    rate, base = behavior.base_rate, behavior.base_currency
    if base != "USD":
        yield from _ledger(base, behavior.base_cash, Decimal(0), (Decimal(0), Decimal(0)), Decimal(1))
    profit = (figures.unrealized, figures.realized)
    yield from _ledger("USD", figures.cash, figures.worth, profit, rate**-1)
    in_base = (figures.unrealized / rate, figures.realized / rate)
    yield from _ledger("BASE", figures.cash / rate + behavior.base_cash, figures.worth / rate, in_base, Decimal(1))


def _ledger(
    currency: str, cash: Decimal, worth: Decimal, profit: tuple[Decimal, Decimal], rate: Decimal
) -> Iterator[tuple[str, str, str]]:
    amounts = {
        "CashBalance": cash,
        "TotalCashBalance": cash,
        "AccruedCash": Decimal(0),
        "StockMarketValue": worth,
        "NetLiquidationByCurrency": cash + worth,
        "UnrealizedPnL": profit[0],
        "RealizedPnL": profit[1],
        "NetDividend": Decimal(0),
    }
    yield "Currency", currency, currency
    for key, amount in amounts.items():
        yield key, money(amount), currency
    yield "ExchangeRate", format(rate.quantize(Decimal("0.000001")), "f"), currency


def _daily(floor: Floor, account: ExchangeAccount) -> Decimal:
    # Change since the last close: what is held now, less what was held then, less what was paid today.
    now = {p.symbol: p.shares for p in account.positions}
    then, paid = dict(now), Decimal(0)
    for fill in executions_of(floor.desk.state, floor.market.session.day, account.code):
        change = fill.shares if fill.ticket.side is Side.BUY else -fill.shares
        symbol = fill.ticket.symbol
        then[symbol] = then.get(symbol, Decimal(0)) - change
        paid += fill.price * change + fill.commission
    total = -paid
    for symbol, shares in then.items():
        before, price = floor.market.previous_close(symbol), floor.market.price(symbol)
        total += now.get(symbol, Decimal(0)) * (price or Decimal(0)) - shares * (before or Decimal(0))
    return total
