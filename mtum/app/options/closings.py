"""Closings of option groups that a person asks for beside the session's decision."""

from mtum.app.desk import Desk
from mtum.core.market.sessions import Session
from mtum.core.option_closings import closings
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.managing import LAST_CANCEL
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.core.portfolio.options.own import groups_in


def plan_closings(desk: Desk, session: Session, symbol: str, only: str | None) -> None:
    """Record an order that closes each open group on a symbol, to the far side; a group that has one is left to it.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    symbol : str
        Ticker.
    only : str or None
        Whose groups; None for those of every sleeve.
    """
    store, now = desk.store.options, desk.clock.now()
    taken = {
        (state.intent.strategy, state.intent.group)
        for state in store.states(session.day, unresolved=True)
        if state.intent.purpose is OptionPurpose.CLOSE
    }
    spot = exact(float(desk.broker.price(symbol)))
    for sleeve in sorted({lot.strategy for lot in store.book().lots}):
        for group in groups_in(store.book(sleeve)):
            if group.underlying != symbol or only not in (None, sleeve) or (sleeve, group.group) in taken:
                continue
            store.commit_intents(
                [
                    OptionIntent(
                        account=desk.account,
                        session=session.day,
                        strategy=sleeve,
                        underlying=symbol,
                        purpose=OptionPurpose.CLOSE,
                        legs=proposal.legs,
                        quantity=proposal.quantity,
                        envelope=proposal.envelope,
                        spot=spot,
                        group=group.group,
                        most_loss_usd=proposal.most_loss_usd,
                        deadline=session.before_close(LAST_CANCEL),
                        reasons=("flatten",),
                    )
                    for proposal in closings(group, None, spot)
                ],
                now,
            )
