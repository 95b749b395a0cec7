"""Dividends of shares held over the ex-date: what is due, and what has been recorded."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.coordination.coordinate import pro_rata
from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.lots import Lot
from mtum.core.portfolio.money import exact
from mtum.ports.records import HANDED_OVER, CashMovement

PAID_WITHIN = timedelta(days=60)
"""A payment is looked for at most this long after the ex-date."""
ROUNDED_USD = Decimal("0.01")
"""Possible error of an estimate per share, which is computed from two price series rounded to the cent."""
DIVIDEND_DIFFERS = "dividend_differs"
"""Key in `meta` of the last payment that was another amount than expected: its session and what to say of it."""
LEAST, MOST = Decimal("0.65"), Decimal("1.1")
"""A payment between these fractions of the estimate counts as that dividend: tax is often withheld."""


def dividend_due(
    lots: Iterable[Lot], strategy: str, symbol: str, day: date, per_share_usd: float, *, paid: bool
) -> CashMovement | None:
    """Return the movement for shares held at the close before an ex-date; None when nothing is due.

    Parameters
    ----------
    lots : iterable of Lot
        Open lots.
    strategy : str
        Name of the strategy, or of its sleeve.
    symbol : str
        Ticker.
    day : date
        The session's date.
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
    lots : iterable of Lot
        Open lots.
    recorded : callable
        Tells which of these keys of movements are recorded.
    strategy : str
        Name of the strategy, or of its sleeve.
    bars : iterable of Bars
        The bars of each symbol.
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
    broker_cash_usd : Decimal
        Cash that the broker shows, USD.
    """
    received = []
    for movement in sorted(unpaid, key=lambda one: one.session):
        if broker_cash_usd < cash_usd + movement.amount_usd:
            break
        cash_usd += movement.amount_usd
        received.append(replace(movement, paid=True))
    return tuple(received)


class Payment(Struct, frozen=True):
    """A dividend whose cash has come.

    Parameters
    ----------
    due : sequence of CashMovement
        What was recorded of it, of each sleeve that held shares.
    came_usd : Decimal
        What the broker's cash grew by beyond all else that is recorded.
    """

    due: Sequence[CashMovement]
    came_usd: Decimal

    @property
    def key(self) -> str:
        """Symbol and ex-date."""
        return payment_key(self.due[0])

    @property
    def estimated_usd(self) -> Decimal:
        """What was recorded."""
        return sum((one.amount_usd for one in self.due), Decimal(0))

    def differs(self, per_share_usd: Decimal) -> bool:
        """Return whether it is another amount than rounded prices explain."""
        shares = self.estimated_usd / per_share_usd if per_share_usd else Decimal(0)
        return abs(self.came_usd - self.estimated_usd) > shares * ROUNDED_USD + ROUNDED_USD

    def corrected(self, day: date) -> list[CashMovement]:
        """Return the dividend as paid, and what came more or less of it for each sleeve: the cash is the truth."""
        cents = int(to_cent(self.came_usd - self.estimated_usd) * 100)
        parts = pro_rata(abs(cents), [int(one.amount_usd * 100) for one in self.due])
        note = f"{self.came_usd:.2f} USD came of the {self.estimated_usd:.2f} that was estimated"
        more = [
            replace(
                one,
                key=f"came:{one.key}",
                session=day,
                kind="adjustment",
                amount_usd=(Decimal(part) / 100).copy_sign(cents),
                note=note,
                paid=True,
            )
            for one, part in zip(self.due, parts, strict=True)
            if part
        ]
        return [*(replace(one, paid=True) for one in self.due), *more]


def payment_key(dividend: CashMovement) -> str:
    """Return the symbol and the ex-date of a dividend."""
    return f"{dividend.symbol}:{dividend.session}"


def payment_come(
    moved: Sequence[CashMovement], since: date, gained_usd: Decimal, seen: Collection[str]
) -> Payment | None:
    """Return the dividend that has been paid since the account was looked at before; None where it cannot be told.

    The broker names no payment: cash that nothing else explains is taken for the one dividend that it may be. Money
    that a person added or took out in between, or another payment that is awaited, leaves nothing to tell it by.

    Parameters
    ----------
    moved : sequence of CashMovement
        All of the last `PAID_WITHIN` days, of every sleeve.
    since : date
        Session in which the account was looked at before.
    gained_usd : Decimal
        What the broker's cash has grown by since.
    seen : collection of str
        Dividends whose payment has been told apart before (`payment_key`).
    """
    inside = [one for one in moved if one.session > since and not one.key.startswith(HANDED_OVER)]
    if any(one.kind in ("deposit", "withdrawal") for one in inside):
        return None
    if any(not one.paid and one.kind != "dividend" for one in moved):
        return None
    traded = [one for one in inside if one.kind not in ("dividend", "capital", "transfer")]
    came = gained_usd - sum((one.amount_usd for one in traded if not one.key.startswith("came:")), Decimal(0))
    due: dict[str, list[CashMovement]] = {}
    for one in moved:
        if one.kind == "dividend" and payment_key(one) not in seen:
            due.setdefault(payment_key(one), []).append(one)
    payments = [Payment(own, came) for own in due.values()]
    near = [one for one in payments if LEAST * one.estimated_usd <= came <= MOST * one.estimated_usd]
    return near[0] if len(near) == 1 else None
