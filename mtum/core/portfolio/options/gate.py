"""The last gate for options: may this very order leave, judged by fresh broker facts alone?

Every clause says in words, with its numbers, why it refuses; one that has nothing against an order says "".
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from mtum.core.market.instruments import Right
from mtum.core.options.chain import OLDEST
from mtum.core.options.contracts import CLASSES, OptionContract, Style
from mtum.core.options.ladder import on_tick
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.gate import MARGIN, PAPER, GateRefusal
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.gate_facts import Judged, OptionFacts, OptionRules
from mtum.core.portfolio.options.lots import summed
from mtum.core.portfolio.options.orders import ZERO, Attempt, market_of
from mtum.core.portfolio.options.reservations import reservations, uncovered, uncovered_calls

EX_DATE_SESSIONS = 2
"""Sessions before an ex-date in which a holder may exercise a call for its dividend."""
COVERED_CALLS, LONG_OPTIONS, SHORT_PUTS = 1, 2, 3
"""Permission levels: what is sold against cash or within a spread for a credit needs the third."""

type Clause = Callable[[Judged], str]


def refusal(attempt: Attempt, facts: OptionFacts, rules: OptionRules) -> GateRefusal | None:
    """Return the first clause that an order fails, with its numbers, or None when it may leave.

    Parameters
    ----------
    attempt : Attempt
        What is about to be sent, or the price about to be changed.
    facts : OptionFacts
        Read from the broker for this order.
    rules : OptionRules
        What the gate allows a strategy, independent of any decision.
    """
    return first_refusal(Judged(attempt, facts, rules), CLAUSES[attempt.intent.purpose])


def first_refusal(judged: Judged, clauses: Mapping[str, Clause]) -> GateRefusal | None:
    """Return the first of these clauses that refuses."""
    return next((GateRefusal(name, text) for name, clause in clauses.items() if (text := clause(judged))), None)


def _account(of: Judged) -> str:
    if of.intent.account == of.rules.account == of.facts.account:
        return ""
    return f"account {of.facts.account}, order for {of.intent.account}, settings for {of.rules.account}"


def _mode(of: Judged) -> str:
    if of.rules.paper in (None, of.facts.account.startswith(PAPER)):
        return ""
    return f"account {of.facts.account} in {'paper' if of.rules.paper else 'live'} mode"


def _session(of: Judged) -> str:
    same = of.intent.session == of.facts.session.day
    return "" if same else f"order for {of.intent.session}, session {of.facts.session.day}"


def _window(of: Judged) -> str:
    opens = of.facts.session.before_close(of.rules.window_opens_minutes)
    last = min(of.facts.session.before_close(of.rules.last_send_minutes), of.intent.deadline) - MARGIN
    if opens <= of.facts.now <= last:
        return ""
    return f"broker's clock {of.facts.now:%H:%M:%S} UTC, window {opens:%H:%M:%S} to {last:%H:%M:%S}"


def _halt(of: Judged) -> str:
    return of.facts.halt


def _full_halt(of: Judged) -> str:
    return of.facts.full_halt


def _unresolved(of: Judged) -> str:
    doubtful = [order.ref or "a stranger's order" for order in of.beside if order.unresolved]
    return f"nobody knows what became of {', '.join(doubtful)} in {of.intent.underlying}" if doubtful else ""


def _quantity(of: Judged) -> str:
    # What closes is bounded by what is there.
    asked = of.intent.quantity
    most = asked if of.intent.purpose is OptionPurpose.CLOSE else of.rules.max_quantity
    return "" if asked == int(asked) and 1 <= asked <= most else f"{asked} contracts; 1 to {max(1, most)} are allowed"


def _legs(of: Judged) -> str:
    return of.intent.unsound


def _contract(of: Judged) -> str:
    for leg in of.intent.legs:
        detail = of.facts.details.get(leg.contract.con_id)
        if detail is None:
            return f"{leg.contract.words}: the broker describes no contract {leg.contract.con_id} today"
        if differs := leg.contract.differs_from(detail.contract):
            return f"{leg.contract.words}: {'; '.join(differs)}"
    return ""


def _listing(of: Judged) -> str:
    rows = [of.facts.details.get(leg.contract.con_id) for leg in of.intent.legs]
    found = [f"{row.contract.words}: {row.listing.refused}" for row in rows if row and row.listing.refused]
    return "; ".join(found)


def _days(of: Judged) -> str:
    # A roll buys back what may be about to expire: only what a group has more of has to live on.
    day, least = of.facts.session.day, of.rules.min_days
    opened = [one for one, number in of.intent.changes.items() if of.after.get(one, 0) * number > 0]
    short = [one for one in opened if one.days_from(day) <= max(0, least)]
    return "; ".join(f"{one.words}: {one.days_from(day)} days left, more than {least} are needed" for one in short)


def _uncovered(of: Judged) -> str:
    number = _uncovered_after(of)
    held = of.facts.shares.get(of.intent.underlying, 0)
    return f"{number} short calls on {of.intent.underlying} uncovered, {held} shares held" if number else ""


def _uncovered_after(of: Judged) -> int:
    shares = of.facts.shares.get(of.intent.underlying, 0)
    return uncovered_calls(summed(of.held, of.intent.changes), shares, of.beside)


def _more_pinned(of: Judged) -> str:
    # What is uncovered already must not keep its own purchase from leaving; a long wing goes after its short.
    shares = of.facts.shares.get(of.intent.underlying, 0)
    before, after = uncovered_calls(of.held, shares, of.beside), _uncovered_after(of)
    if after > before:
        return f"{after} short calls on {of.intent.underlying} uncovered after it, {before} before"
    was, left = of.pinned.now, of.pinned.after
    if left.cash_usd > was.cash_usd or left.shares > was.shares:
        return (
            f"{of.intent.group} would pin {left.cash_usd:.2f} USD and {left.shares} shares after it, "
            f"{was.cash_usd:.2f} and {was.shares} before"
        )
    return ""


def _unpriced(of: Judged) -> str:
    unknown = [order.ref or "a stranger's order" for order in of.others if order.legs and order.price is None]
    return f"what {', '.join(unknown)} may cost is not known" if unknown else ""


def _cash(of: Judged) -> str:
    fees = of.rules.fee_usd * sum(map(abs, of.intent.changes.values()))
    pinned = sum((one.cash_usd for one in reservations(of.groups, of.others)), ZERO)
    free = of.facts.settled_cash_usd - pinned - of.facts.share_orders_usd
    asked = of.pinned.more_cash_usd
    # What needs no cash but its fees pays them out of its credit.
    if asked + fees <= free or (not asked and of.attempt.price < 0):
        return ""
    return (
        f"{asked + fees:.2f} USD are needed, {free:.2f} are free: settled {of.facts.settled_cash_usd:.2f}, "
        f"pinned by options {pinned:.2f}, by share orders {of.facts.share_orders_usd:.2f}"
    )


def _index_puts(of: Judged) -> str:
    if of.intent.underlying not in CLASSES or any(number > 0 for number in of.after.values()):
        return ""
    bare = [one.words for one, _ in uncovered(of.after, Right.PUT)]
    return f"{', '.join(bare)}: puts on an index are sold within a spread only" if bare else ""


def _defined_risk(of: Judged) -> str:
    # A group that holds a long option is a spread, and its own longs cover all that it sells.
    if not any(number > 0 for number in of.after.values()):
        return ""
    bare = [f"{number} {one.words}" for right in Right for one, number in uncovered(of.after, right)]
    return f"{', '.join(bare)}: no long of the spread covers it" if bare else ""


def _loss(of: Judged) -> str:
    found, most = of.pinned.after.loss_usd, of.intent.most_loss_usd
    return f"may lose {found:.2f} USD, the decision allowed {most:.2f}" if found > most else ""


def _strategy_loss(of: Judged) -> str:
    open_loss = sum(
        (one.loss_usd for one in reservations(of.groups, of.others) if one.strategy == of.intent.strategy), ZERO
    )
    total, most = open_loss + of.pinned.more_loss_usd, of.rules.strategy_loss_usd
    return f"{of.intent.strategy} could lose {total:.2f} USD in all, its limit {most:.2f}" if total > most else ""


def _account_loss(of: Judged) -> str:
    open_loss = sum((one.loss_usd for one in reservations(of.groups, of.others)), ZERO)
    total, most = open_loss + of.pinned.more_loss_usd, of.rules.account_loss_usd
    return f"the account could lose {total:.2f} USD by options, its limit {most:.2f}" if total > most else ""


def _collision(of: Judged) -> str:
    mine = {leg.contract.con_id: leg for leg in of.intent.legs}
    against = [
        f"{order.ref or 'a stranger'} works to {leg.words}"
        for order in of.others
        for leg in order.legs
        if leg.contract.con_id in mine and mine[leg.contract.con_id].side is not leg.side
    ]
    return f"{'; '.join(against)}: no two orders on both sides of one contract" if against else ""


def _offset(of: Judged) -> str:
    # The broker knows one position per contract: it would net what two groups hold on either side of it. What only
    # closes contracts of its own group takes nothing from another.
    mine = (of.intent.strategy, of.intent.group)
    beyond = {one for one, change in of.intent.changes.items() if (of.mine.get(one, 0) + change) * change > 0}
    found = [
        f"{number} {contract.words} of {f'{group.strategy} {group.group}' if group.group else 'nobody of ours'}"
        for group in of.groups
        if (group.strategy, group.group) != mine
        for contract, number in group.contracts.items()
        if contract in beyond and number * of.intent.changes[contract] < 0
    ]
    return f"would close {'; '.join(found)}" if found else ""


def _own(of: Judged) -> str:
    # What works on the same side, whoever's it is, takes of the broker's position too.
    rolls, closing = of.intent.purpose is OptionPurpose.ROLL, 0
    for contract, change in of.intent.changes.items():
        mine, held = of.mine.get(contract, 0), of.held.get(contract, 0)
        if rolls and mine * change >= 0:
            continue
        closing += 1
        working = [abs(taken) for order in of.others if (taken := order.changes.get(contract, 0)) * change > 0]
        for whose, there, beside in (("the group has", mine, 0), ("the broker lists", held, sum(working))):
            if there * change >= 0 or abs(there) < abs(change) + beside:
                also = f" beside {beside} in working orders" if beside else ""
                return f"{contract.words}: closes {abs(change)}{also}, {whose} {there}"
    return "" if closing else f"a roll that closes nothing of {of.intent.group}"


def _envelope(of: Judged) -> str:
    worst = of.intent.envelope.worst
    if worst is None:
        return "" if of.intent.purpose is OptionPurpose.CLOSE else "no worst price is set for what opens"
    return f"net {of.attempt.price}, at worst {worst}" if of.attempt.price > worst else ""


def _credit(of: Judged) -> str:
    wrong = of.intent.envelope.start < 0 <= of.attempt.price
    return f"net {of.attempt.price} for what was to bring {-of.intent.envelope.start}" if wrong else ""


def _tick(of: Judged) -> str:
    return "" if on_tick(of.attempt.price, of.facts.tick) else f"net {of.attempt.price}, step {of.facts.tick}"


def _quotes(of: Judged) -> str:
    for leg in of.intent.legs:
        quote = of.facts.quotes.get(leg.contract.con_id)
        if market_of((leg,), of.facts.quotes, closes=of.intent.purpose is OptionPurpose.CLOSE) is None or quote is None:
            return f"{leg.contract.words}: bid {quote and quote.bid}, ask {quote and quote.ask}"
        if quote.at is None or not timedelta(0) <= of.facts.now - quote.at <= OLDEST:
            return f"{leg.contract.words}: quoted at {quote.at}, now {of.facts.now}"
    return ""


def _market(of: Judged) -> str:
    closes = of.intent.purpose is OptionPurpose.CLOSE
    found = market_of(of.intent.legs, of.facts.quotes, closes=closes)
    if found is None:
        return ""
    # What closes may be off by the whole spread on either side: rather a dear way out than none.
    band = of.facts.tick + (found.far - found.near if closes else ZERO)
    if found.near - band <= of.attempt.price <= found.far + band:
        return ""
    return f"net {of.attempt.price}, quoted {found.near} to {found.far}, {band} beyond at most"


def _spot(of: Judged) -> str:
    moved = abs(of.facts.spot - of.intent.spot)
    if moved < of.rules.max_spot_move_frac * of.intent.spot:
        return ""
    return f"{of.intent.underlying} at {of.facts.spot}, {of.intent.spot} at the decision"


def _ex_date(of: Judged) -> str:
    coming = of.facts.ex_dividend
    if coming is None or coming.sessions > EX_DATE_SESSIONS:
        return ""
    for contract, number in of.after.items():
        if contract.right is Right.CALL and number < 0 and contract.style is Style.AMERICAN:
            inner = max(ZERO, of.facts.spot - contract.strike)
            quote = of.facts.quotes.get(contract.con_id)
            outer = exact(quote.ask) - inner if quote is not None and quote.ask is not None else ZERO
            # Out of the money nobody exercises for a dividend of which nobody tells that there is one.
            if inner > 0 or (coming.told and (coming.amount is None or outer < coming.amount)):
                paid = "unknown" if coming.amount is None else coming.amount
                when = "ex-date" if coming.told else "nobody tells its dividends, an ex-date is possible"
                return f"{contract.words}: {when} in {coming.sessions} sessions, dividend {paid}, time value {outer}"
    return ""


def _level(of: Judged) -> str:
    needed = level_for(of.after, of.attempt.price)
    return f"level {of.rules.level or 'unknown'}, {needed} is needed" if of.rules.level < needed else ""


def level_for(contracts: Mapping[OptionContract, int], price: Decimal) -> int:
    """Return the permission level that a structure needs."""
    shorts = [one for one, number in contracts.items() if number < 0]
    longs = len(shorts) < len(contracts)
    if not shorts or (longs and price > 0):
        return LONG_OPTIONS
    return SHORT_PUTS if longs or any(one.right is Right.PUT for one in shorts) else COVERED_CALLS


def _what_if(of: Judged) -> str:
    answer, most = of.facts.what_if, of.rules.max_margin_usd
    if answer is None or (answer.margin_usd is not None and answer.margin_usd <= most):
        return ""
    return f"the broker's what-if says margin {answer.margin_usd or 'unknown'}, limit {most}"


def _attempt(of: Judged) -> str:
    live = [order.ref for order in of.others if order.ref and order.intent == of.intent.id]
    return f"{', '.join(live)} may still fill" if live else ""


def _group(of: Judged) -> str:
    # What a group pins is known for one order of it: two might each count on a leg that the other takes away.
    mine = (of.intent.strategy, of.intent.group)
    live = [order.ref for order in of.others if order.legs and (order.strategy, order.group) == mine]
    return f"{', '.join(live)} of {of.intent.group} may still fill" if live else ""


def _changes(of: Judged) -> str:
    changes = of.attempt.in_place or of.attempt.number > 1
    past = changes and of.facts.changes >= of.rules.max_changes
    return f"{of.facts.changes} changes of its price this session, {of.rules.max_changes} are allowed" if past else ""


def _orders(of: Judged) -> str:
    past = not of.attempt.in_place and of.facts.orders >= of.rules.max_orders
    return f"{of.facts.orders} orders in {of.intent.underlying}, {of.rules.max_orders} are allowed" if past else ""


ALWAYS: Mapping[str, Clause] = {
    "account": _account,
    "mode": _mode,
    "session": _session,
    "window": _window,
    "full_halt": _full_halt,
    "unresolved": _unresolved,
    "quantity": _quantity,
    "legs": _legs,
    "contract": _contract,
    "listing": _listing,
    "collision": _collision,
    "offset": _offset,
    "envelope": _envelope,
    "credit": _credit,
    "tick": _tick,
    "quotes": _quotes,
    "market": _market,
    "attempt": _attempt,
    "group": _group,
}
"""Clauses that hold for every order."""

CLOSING: Mapping[str, Clause] = {**ALWAYS, "own": _own, "more_pinned": _more_pinned}
"""Clauses of an order that closes: no limit on loss, cash or number keeps it from leaving."""

OPENING: Mapping[str, Clause] = {
    **ALWAYS,
    "halt": _halt,
    "days": _days,
    "uncovered_calls": _uncovered,
    "index_puts": _index_puts,
    "unpriced": _unpriced,
    "cash": _cash,
    "defined_risk": _defined_risk,
    "spot": _spot,
    "loss": _loss,
    "strategy_loss": _strategy_loss,
    "account_loss": _account_loss,
    "ex_date": _ex_date,
    "level": _level,
    "what_if": _what_if,
    "changes": _changes,
    "orders": _orders,
}
"""Clauses of an order that opens or rolls."""

CLAUSES: Mapping[OptionPurpose, Mapping[str, Clause]] = {
    OptionPurpose.OPEN: OPENING,
    OptionPurpose.ROLL: {**OPENING, "own": _own},
    OptionPurpose.CLOSE: CLOSING,
}
"""Clauses of each purpose; the first that refuses is named."""
