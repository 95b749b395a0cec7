"""Accounts: values, summary, positions, profit and loss; once, and again when they change."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from time import monotonic

from msgspec import Struct

from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.exchange_queries import executions_of
from mtum.core.simulation.exchange_state import ExchangeAccount, Position
from mtum.core.simulation.pledges import reserved_cash
from mtum.gateway.behavior import Behavior
from mtum.gateway.contracts import listing_of
from mtum.gateway.framing import message
from mtum.gateway.messages import money, portfolio_value, position_message
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client, Shared, Tell

VALUES, POSITIONS, SUMMARY, MULTI, PROFIT = range(5)
"""Kinds of subscription, in the order in which a change is told."""
LEDGER_PREFIX = "$LEDGER-"


def account_updates(client: Client, request: Request) -> None:
    """Begin or end the subscription to one account's values."""
    account = _account(client, request.text("account"))
    if not request.flag("subscribe") or account is None:
        client.wants.accounts.pop((VALUES, 0), None)
        return

    def tell(account: ExchangeAccount, symbol: str) -> None:
        for key, text, currency in _values(client, account):
            client.send(message("acctValue", 6, 2, key, text, currency, account.code))
        for held in _held(account, symbol):
            price = _price(client.shared, held)
            client.send(portfolio_value(account, held, listing_of(held.symbol), price))
        client.send(message("acctUpdateTime", 8, 1, f"{client.shared.local_now():%H:%M}"))

    _subscribe(client, (VALUES, 0), (account,), tell)
    client.send(message("acctDownloadEnd", 54, 1, account.code))


def account_updates_multi(client: Client, request: Request) -> None:
    """Values of one account under a request id."""
    request_id = request.whole("reqId")
    account = _account(client, request.text("account"))
    if account is None:
        client.error(request_id, 321, "Error validating request: invalid account code")
        return

    def tell(account: ExchangeAccount, _: str) -> None:
        for key, text, currency in _values(client, account):
            client.send(message("accountUpdateMulti", 73, 1, request_id, account.code, "", key, text, currency))

    _subscribe(client, (MULTI, request_id), (account,), tell)
    client.send(message("accountUpdateMultiEnd", 74, 1, request_id))


def account_summary(client: Client, request: Request) -> None:
    """Chosen values of every account."""
    request_id = request.whole("reqId")
    tags = [tag for tag in request.text("tags").split(",") if tag]

    def tell(account: ExchangeAccount, _: str) -> None:
        for key, text, currency in _summary(client.shared, tags, account):
            client.send(message("accountSummary", 63, 1, request_id, account.code, key, text, currency))

    _subscribe(client, (SUMMARY, request_id), client.shared.exchange.state.accounts, tell)
    client.send(message("accountSummaryEnd", 64, 1, request_id))


def positions(client: Client, _: Request) -> None:
    """Positions of every account, then each change."""

    def tell(account: ExchangeAccount, symbol: str) -> None:
        for held in _held(account, symbol):
            client.send(position_message(account.code, held, listing_of(held.symbol)))

    _subscribe(client, (POSITIONS, 0), client.shared.exchange.state.accounts, tell)
    client.send(message("positionEnd", 62, 1))


def profit_and_loss(client: Client, request: Request) -> None:
    """Profit and loss of one account in USD."""
    request_id, account = request.whole("reqId"), _account(client, request.text("account"))

    def tell(account: ExchangeAccount, _: str) -> None:
        found = figures_of(client.shared, account)
        client.send(message("pnl", 94, request_id, found.daily, found.unrealized, found.realized))

    if account:
        _subscribe(client, (PROFIT, request_id), (account,), tell)


def profit_and_loss_single(client: Client, request: Request) -> None:
    """Profit and loss of one position; sent once."""
    account = _account(client, request.text("account"))
    for held in account.positions if account else ():
        if listing_of(held.symbol).con_id == request.whole("conId"):
            price = _price(client.shared, held) * _size(held)
            before = client.shared.market.previous_close(held.symbol) or price
            profit = (price - held.average_cost) * held.shares
            daily, worth = (price - before) * held.shares, price * held.shares
            shares = int(held.shares)
            client.send(message("pnlSingle", 95, request.whole("reqId"), shares, daily, profit, 0.0, worth))


def end_subscription(client: Client, request: Request) -> None:
    """End what runs under a request id (or the positions)."""
    request_id = request.whole("reqId")
    positions_end = {(POSITIONS, 0)} if request.name == "cancelPositions" else set()
    for key in {(SUMMARY, request_id), (MULTI, request_id), (PROFIT, request_id), *positions_end}:
        client.wants.accounts.pop(key, None)
    client.wants.quotes.pop(request_id, None)
    client.wants.snapshots.discard(request_id)


def push_account(shared: Shared, code: str, symbol: str = "") -> None:
    """Tell every subscriber how an account stands; `symbol` even if none of it is left.

    Parameters
    ----------
    shared : Shared
        One market for all clients.
    code : str
        Code of the account.
    symbol : str
        Ticker.
    """
    account = shared.exchange.state.account(code)
    if account is None:
        return
    for client in shared.clients:
        for _, (codes, tell) in sorted(client.wants.accounts.items(), key=lambda one: one[0][0]):
            if code in codes:
                tell(account, symbol)


def _subscribe(client: Client, key: tuple[int, int], accounts: Sequence[ExchangeAccount], tell: Tell) -> None:
    client.wants.accounts[key] = ({account.code for account in accounts}, tell)
    for account in accounts:
        tell(account, "")


def _price(shared: Shared, held: Position) -> Decimal:
    # Per share; what has no price is worth what it cost.
    known = shared.price(held.symbol)
    return held.average_cost / _size(held) if known is None else known


def _size(held: Position) -> int:
    return int(listing_of(held.symbol).multiplier or 1)


def _account(client: Client, code: str) -> ExchangeAccount | None:
    state = client.shared.exchange.state
    if code in ("", "All"):
        return state.accounts[0] if state.accounts else None
    return state.account(code)


def _held(account: ExchangeAccount, symbol: str) -> Iterator[Position]:
    yield from account.positions
    if symbol and not account.position(symbol).shares:
        yield account.position(symbol)


def _values(client: Client, account: ExchangeAccount) -> Iterator[tuple[str, str, str]]:
    behavior = client.shared.behavior
    ready = monotonic() - client.since >= behavior.ready_seconds
    for key, text, currency in account_values(figures_of(client.shared, account), account, behavior):
        untold = "false" if key == "AccountReady" else "0.00" if currency and key != "Currency" else text
        yield key, text if ready else untold, currency


def _summary(shared: Shared, tags: Sequence[str], account: ExchangeAccount) -> Iterator[tuple[str, str, str]]:
    figures, behavior = figures_of(shared, account), shared.behavior
    amounts = base_amounts(figures, account, behavior)
    if "AccountType" in tags:
        yield "AccountType", "INDIVIDUAL", ""
    for tag in tags:
        if tag in amounts:
            yield tag, money(amounts[tag]), behavior.base_currency
    for tag in tags:
        name, _, only = tag.partition(":")
        if name == "$LEDGER":
            wanted = {"": {"BASE"}, "ALL": None}.get(only, {only})
            yield from (row for row in ledger_values(figures, behavior) if wanted is None or row[2] in wanted)


class Figures(Struct, frozen=True):
    """Amounts of one account in USD; of what positions are worth, options apart, and what options hold back."""

    cash: Decimal
    settled: Decimal
    worth: Decimal
    unrealized: Decimal
    realized: Decimal
    daily: Decimal
    options: Decimal = Decimal(0)
    pledged: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """Cash and positions."""
        return self.cash + self.worth


def figures_of(shared: Shared, account: ExchangeAccount) -> Figures:
    """Work out an account's figures at the market's prices."""
    worth = unrealized = options = Decimal(0)
    for held in account.positions:
        price = _price(shared, held) * _size(held)
        worth += price * held.shares
        options += price * held.shares if listing_of(held.symbol).sec_type == "OPT" else 0
        unrealized += (price - held.average_cost) * held.shares
    settled = min(account.settled_cash, account.cash)
    daily = _daily(shared, account)
    venue = shared.exchange.venue
    pledged = reserved_cash(shared.exchange.state, account, venue.worth, venue.spot)
    return Figures(account.cash, settled, worth, unrealized, account.realized_pnl, daily, options, pledged)


def account_values(figures: Figures, account: ExchangeAccount, behavior: Behavior) -> Iterator[tuple[str, str, str]]:
    """All (key, text, currency) of an account, as the account updates list them.

    Parameters
    ----------
    figures : Figures
        Amounts of one account in USD; of what positions are worth, options apart, and what options hold back.
    account : ExchangeAccount
        The account at the exchange: cash in USD, and positions.
    behavior : Behavior
        Switches of the gateway; all may be changed while it runs.
    """
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
    """Amounts in the base currency, by the account summary's tags.

    Parameters
    ----------
    figures : Figures
        Amounts of one account in USD; of what positions are worth, options apart, and what options hold back.
    account : ExchangeAccount
        The account at the exchange: cash in USD, and positions.
    behavior : Behavior
        Switches of the gateway; all may be changed while it runs.
    """
    rate, extra = behavior.base_rate, behavior.base_cash
    cash, net, settled = (amount / rate + extra for amount in (figures.cash, figures.net, figures.settled))
    worth, pledged = figures.worth / rate, figures.pledged / rate
    shares = worth - figures.options / rate
    margin = pledged if account.kind is AccountKind.CASH else shares / 2 + pledged
    power = settled - pledged if account.kind is AccountKind.CASH else (net - margin) * 4
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
        "AvailableFunds": settled - pledged if account.kind is AccountKind.CASH else net - margin,
        "ExcessLiquidity": net - margin,
        "FullAvailableFunds": net - margin,
        "FullExcessLiquidity": net - margin,
    }


def ledger_values(figures: Figures, behavior: Behavior) -> Iterator[tuple[str, str, str]]:
    """Figures per currency: USD, the base currency if it is another, and their sum BASE."""
    rate, base = behavior.base_rate, behavior.base_currency
    none = (Decimal(0), Decimal(0))
    if base != "USD":
        yield from _ledger(base, behavior.base_cash, none, none, Decimal(1))
    profit = (figures.unrealized, figures.realized)
    worth = (figures.worth - figures.options, figures.options)
    yield from _ledger("USD", figures.cash, worth, profit, rate**-1)
    in_base, worth_in_base = (figures.unrealized / rate, figures.realized / rate), (worth[0] / rate, worth[1] / rate)
    yield from _ledger("BASE", figures.cash / rate + behavior.base_cash, worth_in_base, in_base, Decimal(1))


def _ledger(
    currency: str,
    cash: Decimal,
    worth: tuple[Decimal, Decimal],
    profit: tuple[Decimal, Decimal],
    rate: Decimal,
) -> Iterator[tuple[str, str, str]]:
    amounts = {
        "CashBalance": cash,
        "TotalCashBalance": cash,
        "AccruedCash": Decimal(0),
        "StockMarketValue": worth[0],
        **({"OptionMarketValue": worth[1]} if worth[1] else {}),
        "NetLiquidationByCurrency": cash + sum(worth),
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
        before, price = shared.market.previous_close(symbol), shared.price(symbol)
        total += now.get(symbol, Decimal(0)) * (price or Decimal(0)) - shares * (before or Decimal(0))
    return total
