"""Equity at official closes: of a sleeve, of the account, as a curve and as the loss limits look at it."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.portfolio.limits import LossState
from mtum.core.portfolio.returns import Curve, changes, curve, growth


class OfficialEquity(Struct, frozen=True):
    """Sleeve equity at an official close, and deposits less withdrawals since the previous one, in USD."""

    session: date
    equity_usd: Decimal
    flows_usd: Decimal = Decimal(0)


def loss_state(
    points: Sequence[OfficialEquity], flows_since_usd: Decimal, *, paused: bool, peak_since: date | None = None
) -> LossState:
    """Return what the loss limits look at before the session's own change is known.

    Parameters
    ----------
    points : sequence of OfficialEquity
        Oldest first, earlier sessions only.
    flows_since_usd : Decimal
        Deposits less withdrawals since the last point; they are neither profit nor loss.
    paused : bool
        Whether entries pause after a daily loss.
    peak_since : date, optional
        Session whose close the peak is counted from; a person who lifted the halt of a drawdown took that
        fall into account. Where it has no close yet, from the last one there is.
    """
    if not points:
        return LossState(paused=paused)
    since = [point for point in points if peak_since is None or point.session >= peak_since] or points[-1:]
    state = losses_of(curve_of(points), curve_of(since))
    return replace(state, paused=paused, flows_since_usd=round(float(flows_since_usd), 6))


def losses_of(whole: Curve, counted: Curve | None = None) -> LossState:
    """Return what the loss limits look at of a curve; `counted` is the part of it that the peak is counted from."""
    if not len(whole):
        return LossState()
    whole, counted = (_begun(one) for one in (whole, whole if counted is None else counted))
    grown = growth(counted)
    return LossState(
        last_change_usd=round(float(changes(whole)[-1]), 6),
        peak_equity_usd=round(float(whole.equity[-1] * grown.max() / grown[-1]), 6) if grown[-1] > 0 else 0.0,
    )


def _begun(given: Curve) -> Curve:
    # The first close is what the others are held against, whatever was paid in before it.
    flows = given.flows.copy()
    flows[:1] = given.equity[:1]
    return replace(given, flows=flows)


class Closes(Struct):
    """What `loss_state` looks at, kept up close by close: a history of any length costs the same each session.

    Growth between two flows is proportional to equity, as in `growth`.
    """

    last: float | None = None
    change: float = 0.0
    grown: float = 1.0
    peak: float = 1.0
    _from: tuple[float, float] = (1.0, 1.0)  # growth and equity at the last flow

    def add(self, equity_usd: float, flows_usd: float = 0.0) -> None:
        """Add a close, and the deposits less withdrawals since the one before; the first close is the start."""
        before, self.last = self.last, equity_usd
        if before is None:
            self._from = (1.0, equity_usd)
            return
        self.change = equity_usd - before - flows_usd
        if flows_usd:
            base = before if before > 0 and self.change > -before else before + flows_usd
            self._from = (self.grown * (1.0 + (self.change / base if base > 0 else 0.0)), equity_usd)
        grown, equity = self._from
        self.grown = grown * (equity_usd / equity) if equity > 0 else grown
        self.peak = max(self.peak, self.grown)

    def losses(
        self, flows_since_usd: float = 0.0, *, paused: bool = False, equity_usd: float | None = None
    ) -> LossState:
        """Return the same as `loss_state`.

        Parameters
        ----------
        flows_since_usd : float
            Deposits less withdrawals since the last close, USD.
        paused : bool
            Whether an earlier session's loss still bars entries.
        equity_usd : float or None
            What the change since the last close is measured to, USD; None leaves it at 0.
        """
        if self.last is None:
            return LossState(paused=paused)
        since = 0.0 if equity_usd is None else equity_usd - (self.last + flows_since_usd)
        return LossState(
            last_change_usd=round(self.change, 6),
            change_since_usd=round(since, 6),
            paused=paused,
            peak_equity_usd=round(self.last * self.peak / self.grown, 6) if self.grown > 0 else 0.0,
            flows_since_usd=round(flows_since_usd, 6),
        )


def account_points(sleeves: Mapping[str, Sequence[OfficialEquity]]) -> tuple[OfficialEquity, ...]:
    """Return the equity of all sleeves together at every close that one of them has, oldest first.

    A sleeve without a close counts with its last one, so that the gains of the sleeves are the account's.

    Parameters
    ----------
    sleeves : mapping of sleeve to sequence of OfficialEquity
        The capital that a sleeve began with is part of its first flows.
    """
    by_day: dict[date, dict[str, OfficialEquity]] = {}
    for name, points in sleeves.items():
        for point in points:
            by_day.setdefault(point.session, {})[name] = point
    last: dict[str, Decimal] = {}
    found: list[OfficialEquity] = []
    for day in sorted(by_day):
        last |= {name: point.equity_usd for name, point in by_day[day].items()}
        flows = sum((point.flows_usd for point in by_day[day].values()), Decimal(0))
        found.append(OfficialEquity(day, sum(last.values(), Decimal(0)), flows))
    return tuple(found)


def with_capital(points: Sequence[OfficialEquity], capital_usd: Decimal) -> tuple[OfficialEquity, ...]:
    """Return the points of a sleeve with what it began with in its first flows."""
    return tuple(
        replace(point, flows_usd=point.flows_usd + capital_usd) if place == 0 else point
        for place, point in enumerate(points)
    )


def curve_of(points: Sequence[OfficialEquity]) -> Curve:
    """Return the points as a curve."""
    equity, flows = [float(point.equity_usd) for point in points], [float(point.flows_usd) for point in points]
    return curve([point.session for point in points], equity, flows)
