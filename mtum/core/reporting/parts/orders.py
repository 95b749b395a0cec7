"""Orders and fills: what was sent, what came of it, and each fill with its three prices."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Cell, Facts, Section, Sentence, Tone, facts_of, table_of
from mtum.core.reporting.stated import Stated


class OrderLine(Struct, frozen=True):
    """One order of the session; `type` and `status` are the broker-facing words."""

    id: str
    ref: str
    symbol: str
    side: str
    purpose: str
    type: str
    shares: int
    filled_shares: int
    status: str
    broker_id: str | None
    reference_price: float
    text: str = ""


class FillLine(Struct, frozen=True):
    """One execution with the three prices; gaps in bps, positive = a cost to us.

    `wait_bps` is decision price to official close, `auction_bps` official close to fill.
    """

    exec_id: str
    order_id: str
    symbol: str
    side: str
    shares: int
    at: datetime
    decision_price: float | None
    official_close: Stated
    fill_price: float
    wait_bps: Stated
    auction_bps: Stated
    slippage_usd: Stated
    commission_usd: Stated
    assumed_commission_usd: float | None = None


class StandingLine(Struct, frozen=True):
    """A purchase that was wanted and is not made yet; `shares` are those to end with, `since` its first session."""

    symbol: str
    shares: int
    since: date


def section(orders: Sequence[OrderLine], internal: Sequence[OrderLine], fills: Sequence[FillLine]) -> Section:
    """Return orders and what stands for them, and every fill.

    Parameters
    ----------
    orders : sequence of OrderLine
        Orders of the session.
    internal : sequence of OrderLine
        What stands for orders: crosses and virtual orders.
    fills : sequence of FillLine
        Every fill.
    """
    if not orders and not internal:
        return Section("orders", "Order and fill", (Sentence("No order was sent."),))
    rows = (
        (
            f"{order.type} {order.symbol}",
            order.side,
            figures.shares(order.shares),
            figures.shares(order.filled_shares),
            Cell(order.status.lower().replace("_", " "), Tone.PLAIN if order.filled_shares else Tone.BAD),
        )
        for order in (*orders, *internal)
    )
    table = table_of(("Order", "side", "shares", "filled", "status"), rows, (0, 1, 4))
    notes = (Sentence(f"{order.ref}: {order.text}", Tone.QUIET) for order in orders if order.text)
    return Section("orders", "Order and fill", (table, *notes, *map(_fill, fills)))


def _fill(line: FillLine) -> Facts:
    return facts_of(
        (
            ("Fill", f"{line.side} {figures.shares(line.shares)} {line.symbol}", ""),
            ("Price at the decision", figures.number(line.decision_price), "USD"),
            ("Official close", figures.money(line.official_close), "USD"),
            ("Fill price", figures.number(line.fill_price), "USD"),
            ("Decision to close, cost", figures.basis_points(line.wait_bps), "bps"),
            ("Close to fill, cost", figures.basis_points(line.auction_bps), "bps"),
            ("Slippage, cost", figures.money(line.slippage_usd, sign=True), "USD"),
            ("Commission", figures.money(line.commission_usd), "USD"),
        )
    )


def ordered(order: OrderLine) -> str:
    """Return an order, or what stands for one, in a few words: what was filled, else what became of it."""
    name, done = ("buy", "bought") if order.side == "BUY" else ("sell", "sold")
    what = f"{order.symbol}{' inside the account' if order.type == 'cross' else ''}"
    if order.filled_shares == order.shares:
        return f"{done} {figures.shares(order.shares)} {what}"
    if order.filled_shares:
        return f"{done} {figures.shares(order.filled_shares)} of {figures.shares(order.shares)} {what}"
    fate = order.status.lower().replace("_", " ")
    return f"{name} order for {figures.shares(order.shares)} {what} ({fate})"
