"""The account's plan: what the sleeves decided, under the limits of the account, crossed where they meet."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.approvals.approve_orders import approved_shares
from mtum.app.desk import Desk
from mtum.app.ledger.sleeve_records import SleeveRecords, flows_since, settled_beside_fund
from mtum.app.session.decide_sleeves import Decided, SleeveInputs
from mtum.app.session.gather import GatheredMarket
from mtum.app.session.move_cash import worth_now
from mtum.config import account_rules
from mtum.core.canonical import plain
from mtum.core.coordination.account import Account, AccountPlan, Returns, SleeveOrder, SleeveWants
from mtum.core.coordination.coordinate import FundState, coordinate, with_fund
from mtum.core.coordination.limits import VAR_SESSIONS
from mtum.core.plans import fund_frame, plan_document, plan_frame, returns_of, waits_in
from mtum.core.portfolio.equity_points import OfficialEquity, account_points, loss_state, with_capital
from mtum.core.portfolio.fund import FUND, WAITS, FundWait, waits_after
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderIntent, OrderType, Purpose, Side, intent_id
from mtum.ports.records import Cross, PlanRecord


class Planned(Struct, frozen=True):
    """The plan of a session as it is committed."""

    plan: AccountPlan
    record: PlanRecord
    intents: tuple[OrderIntent, ...]
    crosses: tuple[Cross, ...]


def plan_account(
    desk: Desk,
    prepared: SleeveInputs,
    market: GatheredMarket,
    decided: Sequence[Decided],
    decided_at: datetime,
    *,
    dry_run: bool = False,
) -> Planned:
    """Return what the account does with what its sleeves decided; a dry run shows it as if all were approved.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    prepared : SleeveInputs
        What every sleeve's decision rests on beside the market.
    market : GatheredMarket
        Everything that was gathered for a session, for all sleeves together.
    decided : sequence of Decided
        What each sleeve decided, in the order of the settings.
    decided_at : datetime
        Instant of the decision, UTC.
    dry_run : bool
        Whether it is only shown: nothing is ordered.
    """
    real = [one for one in decided if one.sleeve.owns_money]
    wants = [
        SleeveWants(
            name=one.sleeve.name,
            shares=_shares(prepared.records[one.sleeve.name]),
            orders=one.decision.orders,
            sizing=one.sleeve.rules.sizing,
            least_usd=one.sleeve.strategy.least_trade_usd(one.decision.equity_usd),
        )
        for one in real
        if one.sleeve.name != FUND or one.decision.orders
    ]
    rules, prices = account_rules(desk.settings), market.prices
    # Positions of sleeves that decided nothing count toward the limits of the account too.
    silent = [one for one in desk.sleeves if one.owns_money and one.name not in (*(each.name for each in wants), FUND)]
    for sleeve in silent:
        held = _shares(prepared.records[sleeve.name]) if sleeve.name in prepared.records else {}
        valued = {symbol: shares for symbol, shares in held.items() if symbol in prices}
        wants += [SleeveWants(sleeve.name, valued, (), sleeve.rules.sizing)] if valued else []
    equity = _equity(desk, prepared, market, real)
    there, coming = settled_beside_fund(desk.sleeves, prepared.records, prepared.lists.account, prepared.session.day)
    # What open options and their orders pin buys no shares.
    settled = float(there) - float(sum(one.options.pinned_usd for one in real if one.options is not None))
    unseen = {symbol for one in wants for symbol in one.shares} - {symbol for symbol, _ in market.found}
    cached = {symbol: desk.store.bars.bars(symbol, desk.source.name).until(market.session.day) for symbol in unseen}
    histories = returns_of(market.bars | cached, rules)
    account = Account(
        session=prepared.session.day,
        prices=prices,
        equity_usd=equity,
        cash_usd=settled,
        losses=_losses(desk, prepared, equity),
        restriction=desk.store.control.restriction(),
        returns=Returns.of(histories, VAR_SESSIONS),
        uncrossable={**prepared.check.entries_barred, **prepared.check.exits_barred},
        approved={} if dry_run else _approved(desk, prepared, wants),
        options_usd=_options_usd(desk, real),
    )
    plan, moved = coordinate(wants, account, rules), prepared.moved
    frame = plan_frame(wants, account, histories) | ({"transfers": moved.frame} if moved.frame else {})
    fund, waits = _fund(real, settled, float(coming)), _waits(desk, prepared, real)
    if fund is not None and rules.fund is not None:
        if waits is not None:
            asked = sum(float(one.options.decision.waiting_usd) for one in real if one.options is not None)
            fund = replace(fund, options_usd=asked, kept_usd=sum(one.usd for one in waits.values()))
        plan = with_fund(plan, wants, account, fund, rules.fund)
        frame |= {"fund": fund_frame(fund) | ({"waits": plain(waits)} if waits else {})}
    record = PlanRecord(
        account=desk.account,
        session=prepared.session.day,
        decided_at=decided_at,
        document=plan_document(plan) | ({"transfers": moved.document} if moved.frame else {}),
        frame=frame,
    )
    return Planned(
        plan=plan,
        record=record,
        intents=tuple(_intent(desk, market, one) for one in plan.orders if one.sent),
        crosses=tuple(_cross(desk, market, one) for one in plan.orders if one.crossed),
    )


def planned_orders(plan: PlanRecord) -> dict[str, list[dict[str, object]]]:
    """Return what each sleeve would trade, as plain JSON values, and how much of it with another sleeve."""
    found: dict[str, list[dict[str, object]]] = {}
    for row in plan.document["orders"]:
        names = ("symbol", "side", "purpose", "reasons", "shares", *(("crossed",) if row["crossed"] else ()))
        found.setdefault(row["sleeve"], []).append({name: row[name] for name in names})
    return found


def _shares(records: SleeveRecords) -> dict[str, int]:
    found: dict[str, int] = {}
    for lot in records.lots:
        found[lot.symbol] = found.get(lot.symbol, 0) + lot.shares
    return found


def _fund(real: Sequence[Decided], settled_usd: float, coming_usd: float) -> FundState | None:
    """Return the cash fund; None without one, where it has no price today, and where it is sold on a person's word."""
    own = next((one for one in real if one.sleeve.name == FUND), None)
    if own is None or own.decision.orders or not own.gathered.view.bars:
        return None
    (symbol,), book = own.sleeve.symbols, own.book
    return FundState(
        symbol=symbol,
        held=max(0, book.holdings[symbol].shares),
        settled_usd=settled_usd,
        coming_usd=coming_usd,
        sizing=own.sleeve.rules.sizing,
        buys=book.restriction is Restriction.NONE and symbol not in book.entries_barred,
        sells=book.restriction is not Restriction.FULL and symbol not in book.exits_barred,
    )


def _options_usd(desk: Desk, real: Sequence[Decided]) -> dict[str, float]:
    if not any(one.strategy.OPTIONS and one.owns_money for one in desk.sleeves):
        return {}
    from mtum.app.options.decide_sleeve import counted_usd  # what an account of shares does without

    return counted_usd(desk, [one.options for one in real if one.options is not None])


def _waits(desk: Desk, prepared: SleeveInputs, real: Sequence[Decided]) -> dict[str, FundWait] | None:
    """Return the cash that is kept out of the fund for options; None where no sleeve trades any."""
    options = {one.sleeve.name: one.options for one in real if one.options is not None}
    if not options or all(one.name != FUND for one in desk.sleeves):
        return None
    day, plans = prepared.session.day, desk.store.plans
    days = [one.day for one in prepared.sessions.known if day - WAITS <= one.day < day]
    earlier = next((plan for each in reversed(days) if (plan := plans.plan_of(each)) is not None), None)
    return waits_after(
        {} if earlier is None else waits_in(earlier.frame),
        {name: float(one.decision.waiting_usd) for name, one in options.items()},
        {name: max(one.own.last_opened.values(), default=None) for name, one in options.items()},
        day,
    )


def _equity(desk: Desk, prepared: SleeveInputs, market: GatheredMarket, real: Sequence[Decided]) -> float:
    # Sleeves that decided nothing still belong to the account that the plan describes.
    known = {one.sleeve.name: one.decision.equity_usd for one in real}
    owning = (one.name for one in desk.sleeves if one.owns_money and one.name in prepared.records)
    worth = (known.get(name, worth_now(desk, prepared.records[name], name, market)[0]) for name in owning)
    return round(sum(worth), 6)


def _losses(desk: Desk, prepared: SleeveInputs, equity_usd: float) -> LossState:
    """Return what the loss limits of the account look at; nothing where there is no such limit."""
    risk = desk.settings.risk
    if risk.account_daily_loss_usd is None and risk.account_drawdown_frac is None:
        return LossState()
    day = prepared.session.day
    names = [sleeve.name for sleeve in desk.sleeves if sleeve.owns_money]
    known = desk.store.books.outline(names, day)
    curves = {
        name: with_capital(
            [OfficialEquity(one.session, one.equity_usd, one.flows_usd) for one in known if one.strategy == name],
            sum((one.amount_usd for one in prepared.records[name].movements if one.kind == "capital"), Decimal(0)),
        )
        for name in names
    }
    points = account_points(curves)
    last = points[-1].session if points else None
    flows = sum((flows_since(prepared.records[name].movements, last) for name in names), Decimal(0))
    state = loss_state(points, flows, paused=False)
    change = equity_usd - float(points[-1].equity_usd + flows) if points else 0.0
    return replace(state, change_since_usd=round(change, 6))


def _approved(desk: Desk, prepared: SleeveInputs, wants: Sequence[SleeveWants]) -> dict[str, dict[str, int]]:
    """Return how many shares a person has approved by now of the orders that need it and have no bound of their own."""
    found: dict[str, dict[str, int]] = {}
    for one in wants:
        for order in one.orders:
            shares = approved_shares(desk, prepared.session.day, one.name, order)
            if shares is not None:
                found.setdefault(one.name, {})[order.symbol] = shares
    return found


def _intent(desk: Desk, market: GatheredMarket, one: SleeveOrder) -> OrderIntent:
    order, day = one.order, market.session.day
    return OrderIntent(
        id=intent_id(desk.account, day, one.sleeve, order.symbol, order.purpose),
        account=desk.account,
        session=day,
        strategy=one.sleeve,
        symbol=order.symbol,
        purpose=order.purpose,
        side=order.side,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=one.sent,
        reference_price=exact(float(market.bars[order.symbol].close[-1])),
        reasons=order.reasons,
    )


def _cross(desk: Desk, market: GatheredMarket, one: SleeveOrder) -> Cross:
    order, day = one.order, market.session.day
    inside = Purpose.CROSSED_IN if order.side is Side.BUY else Purpose.CROSSED_OUT
    return Cross(
        id=intent_id(desk.account, day, one.sleeve, order.symbol, inside),
        account=desk.account,
        session=day,
        strategy=one.sleeve,
        symbol=order.symbol,
        purpose=order.purpose,
        side=order.side,
        shares=one.crossed,
        reference_price=exact(float(market.bars[order.symbol].close[-1])),
        reasons=order.reasons,
    )
