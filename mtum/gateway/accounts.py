"""Accounts: values, summary, positions, profit and loss; once, and again when they change."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic

from mtum.core.portfolio.orders import Side
from mtum.core.simulation.exchange_queries import executions_of
from mtum.core.simulation.exchange_state import AccountKind, ExchangeAccount, Position
from mtum.gateway.behavior import Behavior
from mtum.gateway.contracts import listing_of
from mtum.gateway.framing import message
from mtum.gateway.messages import (
    account_value,
    money,
    pnl,
    portfolio_value,
    position_message,
)
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client, Shared


def account_updates(client: Client, request: Request) -> None:
    """Begin or end the subscription to one account's values."""
    account = _account(client, request.text("account"))
    if not request.flag("subscribe") or account is None:
        client.wants.account = ""
        return
    client.wants.account = account.code
    _send_account(client, account)
    client.send(message("acctDownloadEnd", 54, 1, account.code))


def account_updates_multi(client: Client, request: Request) -> None:
    """Values of one account under a request id."""
    request_id = request.whole("reqId")
    account = _account(client, request.text("account"))
    if account is None:
        client.error(request_id, 321, "Error validating request: invalid account code")
        return
    client.wants.multi[request_id] = account.code
    _send_multi(client, request_id, account)
    client.send(message("accountUpdateMultiEnd", 74, 1, request_id))


def account_summary(client: Client, request: Request) -> None:
    """Chosen values of every account."""
    request_id = request.whole("reqId")
    tags = tuple(tag for tag in request.text("tags").split(",") if tag)
    client.wants.summaries[request_id] = tags
    for account in client.shared.exchange.state.accounts:
        _send_summary(client, request_id, tags, account)
    client.send(message("accountSummaryEnd", 64, 1, request_id))


def positions(client: Client, _: Request) -> None:
    """Positions of every account, then each change."""
    client.wants.positions = True
    for account in client.shared.exchange.state.accounts:
        for held in account.positions:
            client.send(position_message(account.code, held, listing_of(held.symbol)))
    client.send(message("positionEnd", 62, 1))


def profit_and_loss(client: Client, request: Request) -> None:
    """Profit and loss of one account."""
    account = _account(client, request.text("account"))
    if account:
        client.wants.pnl[request.whole("reqId")] = account.code
        _send_pnl(client, request.whole("reqId"), account)


def profit_and_loss_single(client: Client, request: Request) -> None:
    """Profit and loss of one position; sent once."""
    account = _account(client, request.text("account"))
    for held in account.positions if account else ():
        if listing_of(held.symbol).con_id == request.whole("conId"):
            price = client.shared.market.price(held.symbol) or held.average_cost
            before = client.shared.market.previous_close(held.symbol) or price
            profit = (price - held.average_cost) * held.shares
            daily, worth = (price - before) * held.shares, price * held.shares
            shares = int(held.shares)
            client.send(message("pnlSingle", 95, request.whole("reqId"), shares, daily, profit, 0.0, worth))


def end_subscription(client: Client, request: Request) -> None:
    """End what runs under a request id (or the positions)."""
    if request.name == "cancelPositions":
        client.wants.positions = False
    request_id = request.whole("reqId")
    client.wants.summaries.pop(request_id, None)
    client.wants.multi.pop(request_id, None)
    client.wants.pnl.pop(request_id, None)
    client.wants.quotes.pop(request_id, None)


def push_account(shared: Shared, code: str, symbol: str = "") -> None:
    """Tell every subscriber how an account stands; `symbol` even if none of it is left."""
    account = shared.exchange.state.account(code)
    if account is None:
        return
    for client in shared.clients:
        _push_values(client, account, symbol)
        _push_requested(client, account)


def _push_values(client: Client, account: ExchangeAccount, symbol: str) -> None:
    if client.wants.account == account.code:
        _send_account(client, account, symbol)
    for held in _held(account, symbol) if client.wants.positions else ():
        client.send(position_message(account.code, held, listing_of(held.symbol)))


def _push_requested(client: Client, account: ExchangeAccount) -> None:
    wants = client.wants
    for request_id, tags in wants.summaries.items():
        _send_summary(client, request_id, tags, account)
    for request_id in (i for i, code in wants.multi.items() if code == account.code):
        _send_multi(client, request_id, account)
    for request_id in (i for i, code in wants.pnl.items() if code == account.code):
        _send_pnl(client, request_id, account)


def _account(client: Client, code: str) -> ExchangeAccount | None:
    state = client.shared.exchange.state
    if code in ("", "All"):
        return state.accounts[0] if state.accounts else None
    return state.account(code)


def _held(account: ExchangeAccount, symbol: str) -> Iterator[Position]:
    yield from account.positions
    if symbol and not account.position(symbol).shares:
        yield account.position(symbol)


def _send_account(client: Client, account: ExchangeAccount, symbol: str = "") -> None:
    shared = client.shared
    for key, text, currency in _values(client, account):
        client.send(account_value(key, text, currency, account.code))
    for held in _held(account, symbol):
        price = shared.market.price(held.symbol) or held.average_cost
        listing = listing_of(held.symbol)
        client.send(portfolio_value(account.code, held, listing, price, account.realized_pnl))
    client.send(message("acctUpdateTime", 8, 1, f"{shared.local_now():%H:%M}"))


def _values(client: Client, account: ExchangeAccount) -> Iterator[tuple[str, str, str]]:
    behavior = client.shared.behavior
    ready = monotonic() - client.since >= behavior.ready_seconds
    for key, text, currency in account_values(figures_of(client.shared, account), account, behavior):
        untold = "false" if key == "AccountReady" else "0.00" if currency and key != "Currency" else text
        yield key, text if ready else untold, currency


def _send_multi(client: Client, request_id: int, account: ExchangeAccount) -> None:
    for key, text, currency in _values(client, account):
        client.send(message("accountUpdateMulti", 73, 1, request_id, account.code, "", key, text, currency))


def _send_summary(client: Client, request_id: int, tags: tuple[str, ...], account: ExchangeAccount) -> None:
    behavior = client.shared.behavior
    figures = figures_of(client.shared, account)
    amounts = base_amounts(figures, account, behavior)
    rows = [(tag, money(amounts[tag]), behavior.base_currency) for tag in tags if tag in amounts]
    if "AccountType" in tags:
        rows.insert(0, ("AccountType", "INDIVIDUAL", ""))
    for tag in tags:
        name, _, only = tag.partition(":")
        if name == "$LEDGER":
            wanted = {"": {"BASE"}, "ALL": None}.get(only, {only})
            rows += [row for row in ledger_values(figures, behavior) if wanted is None or row[2] in wanted]
    for key, text, currency in rows:
        client.send(message("accountSummary", 63, 1, request_id, account.code, key, text, currency))


def _send_pnl(client: Client, request_id: int, account: ExchangeAccount) -> None:
    figures = figures_of(client.shared, account)
    client.send(pnl(request_id, figures.daily, figures.unrealized, figures.realized))


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


def figures_of(shared: Shared, account: ExchangeAccount) -> Figures:
    """Work out an account's figures at the market's prices."""
    worth = unrealized = Decimal(0)
    for held in account.positions:
        price = shared.market.price(held.symbol) or held.average_cost
        worth += price * held.shares
        unrealized += (price - held.average_cost) * held.shares
    settled = min(account.settled_cash, account.cash)
    daily = _daily(shared, account)
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


def _daily(shared: Shared, account: ExchangeAccount) -> Decimal:
    # Change since the last close: what is held now, less what was held then, less what was paid today.
    now = {p.symbol: p.shares for p in account.positions}
    then, paid = dict(now), Decimal(0)
    for fill in executions_of(shared.exchange.state, shared.market.session.day, account.code):
        change = fill.shares if fill.ticket.side is Side.BUY else -fill.shares
        symbol = fill.ticket.symbol
        then[symbol] = then.get(symbol, Decimal(0)) - change
        paid += fill.price * change + fill.commission
    total = -paid
    for symbol, shares in then.items():
        before, price = shared.market.previous_close(symbol), shared.market.price(symbol)
        total += now.get(symbol, Decimal(0)) * (price or Decimal(0)) - shares * (before or Decimal(0))
    return total
