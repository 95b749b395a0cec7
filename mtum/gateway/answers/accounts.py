"""Accounts: values, summary, positions, profit and loss; once, and again when they change."""

from collections.abc import Iterator
from time import monotonic

from mtum.core.simulation.exchange_state import ExchangeAccount, Position
from mtum.gateway.answers.account_figures import (
    account_values,
    base_amounts,
    figures_of,
    ledger_values,
)
from mtum.gateway.contracts import listing_of
from mtum.gateway.floor import Floor
from mtum.gateway.session import ClientSession
from mtum.gateway.wire.account_messages import (
    account_value,
    money,
    pnl,
    portfolio_value,
    position_message,
)
from mtum.gateway.wire.framing import message
from mtum.gateway.wire.requests import Request


def account_updates(client: ClientSession, request: Request) -> None:
    """Begin or end the subscription to one account's values."""
    account = _account(client, request.text("account"))
    if not request.flag("subscribe") or account is None:
        client.wants.account = ""
        return
    client.wants.account = account.code
    _send_account(client, account)
    client.send(message("acctDownloadEnd", 54, 1, account.code))


def account_updates_multi(client: ClientSession, request: Request) -> None:
    """Values of one account under a request id."""
    request_id = request.whole("reqId")
    account = _account(client, request.text("account"))
    if account is None:
        client.error(request_id, 321, "Error validating request: invalid account code")
        return
    client.wants.multi[request_id] = account.code
    _send_multi(client, request_id, account)
    client.send(message("accountUpdateMultiEnd", 74, 1, request_id))


def account_summary(client: ClientSession, request: Request) -> None:
    """Chosen values of every account."""
    request_id = request.whole("reqId")
    tags = tuple(tag for tag in request.text("tags").split(",") if tag)
    client.wants.summaries[request_id] = tags
    for account in client.floor.desk.state.accounts:
        _send_summary(client, request_id, tags, account)
    client.send(message("accountSummaryEnd", 64, 1, request_id))


def positions(client: ClientSession, request: Request) -> None:
    """Positions of every account, then each change."""
    del request
    client.wants.positions = True
    for account in client.floor.desk.state.accounts:
        for held in account.positions:
            client.send(position_message(account.code, held, listing_of(held.symbol)))
    client.send(message("positionEnd", 62, 1))


def profit_and_loss(client: ClientSession, request: Request) -> None:
    """Profit and loss of one account."""
    account = _account(client, request.text("account"))
    if account:
        client.wants.pnl[request.whole("reqId")] = account.code
        _send_pnl(client, request.whole("reqId"), account)


def profit_and_loss_single(client: ClientSession, request: Request) -> None:
    """Profit and loss of one position; sent once."""
    account = _account(client, request.text("account"))
    for held in account.positions if account else ():
        if listing_of(held.symbol).con_id == request.whole("conId"):
            price = client.floor.market.price(held.symbol) or held.average_cost
            before = client.floor.market.previous_close(held.symbol) or price
            profit = (price - held.average_cost) * held.shares
            daily, worth = (price - before) * held.shares, price * held.shares
            shares = int(held.shares)
            client.send(message("pnlSingle", 95, request.whole("reqId"), shares, daily, profit, 0.0, worth))


def end_subscription(client: ClientSession, request: Request) -> None:
    """End what runs under a request id (or the positions)."""
    if request.name == "cancelPositions":
        client.wants.positions = False
    request_id = request.whole("reqId")
    client.wants.summaries.pop(request_id, None)
    client.wants.multi.pop(request_id, None)
    client.wants.pnl.pop(request_id, None)
    client.wants.quotes.pop(request_id, None)


def push_account(floor: Floor, code: str, symbol: str = "") -> None:
    """Tell every subscriber how an account stands; `symbol` even if none of it is left."""
    account = floor.desk.state.account(code)
    if account is None:
        return
    for client in floor.clients:
        _push_values(client, account, symbol)
        _push_requested(client, account)


def _push_values(client: ClientSession, account: ExchangeAccount, symbol: str) -> None:
    if client.wants.account == account.code:
        _send_account(client, account, symbol)
    for held in _held(account, symbol) if client.wants.positions else ():
        client.send(position_message(account.code, held, listing_of(held.symbol)))


def _push_requested(client: ClientSession, account: ExchangeAccount) -> None:
    wants = client.wants
    for request_id, tags in wants.summaries.items():
        _send_summary(client, request_id, tags, account)
    for request_id in (i for i, code in wants.multi.items() if code == account.code):
        _send_multi(client, request_id, account)
    for request_id in (i for i, code in wants.pnl.items() if code == account.code):
        _send_pnl(client, request_id, account)


def _account(client: ClientSession, code: str) -> ExchangeAccount | None:
    state = client.floor.desk.state
    if code in ("", "All"):
        return state.accounts[0] if state.accounts else None
    return state.account(code)


def _held(account: ExchangeAccount, symbol: str) -> Iterator[Position]:
    yield from account.positions
    if symbol and not account.position(symbol).shares:
        yield account.position(symbol)


def _send_account(client: ClientSession, account: ExchangeAccount, symbol: str = "") -> None:
    floor = client.floor
    for key, text, currency in _values(client, account):
        client.send(account_value(key, text, currency, account.code))
    for held in _held(account, symbol):
        price = floor.market.price(held.symbol) or held.average_cost
        listing = listing_of(held.symbol)
        client.send(portfolio_value(account.code, held, listing, price, account.realized_pnl))
    client.send(message("acctUpdateTime", 8, 1, f"{floor.local_now():%H:%M}"))


def _values(client: ClientSession, account: ExchangeAccount) -> Iterator[tuple[str, str, str]]:
    behavior = client.floor.behavior
    ready = monotonic() - client.since >= behavior.ready_seconds
    for key, text, currency in account_values(figures_of(client.floor, account), account, behavior):
        untold = "false" if key == "AccountReady" else "0.00" if currency and key != "Currency" else text
        yield key, text if ready else untold, currency


def _send_multi(client: ClientSession, request_id: int, account: ExchangeAccount) -> None:
    for key, text, currency in _values(client, account):
        client.send(message("accountUpdateMulti", 73, 1, request_id, account.code, "", key, text, currency))


def _send_summary(client: ClientSession, request_id: int, tags: tuple[str, ...], account: ExchangeAccount) -> None:
    behavior = client.floor.behavior
    figures = figures_of(client.floor, account)
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


def _send_pnl(client: ClientSession, request_id: int, account: ExchangeAccount) -> None:
    figures = figures_of(client.floor, account)
    client.send(pnl(request_id, figures.daily, figures.unrealized, figures.realized))
