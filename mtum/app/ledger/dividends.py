"""Dividends of shares held over the ex-date: what is due, and what has been recorded."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.lots import Lot
from mtum.core.portfolio.money import exact
from mtum.ports.records import CashMovement


def dividend_due(
    lots: Iterable[Lot], strategy: str, symbol: str, day: date, per_share_usd: float, *, paid: bool
) -> CashMovement | None:
    """Return the movement for shares held at the close before an ex-date; None when nothing is due.

    Parameters
    ----------
    per_share_usd : float
        Dividend that goes ex in the session, 0 for none.
    paid : bool
        Whether the cash is there already; otherwise it is receivable.
    """
    shares = sum(lot.shares for lot in lots if lot.symbol == symbol and lot.session < day)
    if not shares or per_share_usd <= 0:
        return None
    amount: Decimal = to_cent(shares * exact(per_share_usd))
    note = f"{shares} shares at {per_share_usd:g} USD, ex-date {day}"
    return CashMovement(
        key=f"dividend:{strategy}:{symbol}:{day}",
        strategy=strategy,
        session=day,
        kind="dividend",
        amount_usd=amount,
        note=note,
        symbol=symbol,
        paid=paid,
    )


def due_today_usd(
    lots: Iterable[Lot], recorded: Callable[[list[str]], Collection[str]], strategy: str, bars: Iterable[Bars]
) -> Decimal:
    """Return the dividends that go ex in the newest of these bars and are in no record yet, in USD.

    Parameters
    ----------
    recorded : callable
        Tells which of these keys of movements are recorded.
    """
    found = (
        dividend_due(lots, strategy, one.symbol, one.last_day, float(one.dividend[-1]), paid=False) for one in bars
    )
    due = {one.key: one.amount_usd for one in found if one is not None}
    known = recorded(list(due))
    return sum((usd for key, usd in due.items() if key not in known), Decimal(0))


def dividends_received(
    unpaid: Iterable[CashMovement], cash_usd: Decimal, broker_cash_usd: Decimal
) -> tuple[CashMovement, ...]:
    """Return the receivable dividends that the broker's cash already contains, oldest first, as paid.

    The broker does not say which dividend a payment was. Its cash covering our paid movements and the
    dividend is what shows it; in an account with other money that may be days before the payment,
    which changes nothing that can be spent: purchases are bounded by the broker's settled cash too.

    Parameters
    ----------
    unpaid : iterable of CashMovement
        The dividends that are receivable.
    cash_usd : Decimal
        What the paid movements make.
    """
    received = []
    for movement in sorted(unpaid, key=lambda one: one.session):
        if broker_cash_usd < cash_usd + movement.amount_usd:
            break
        cash_usd += movement.amount_usd
        received.append(replace(movement, paid=True))
    return tuple(received)
