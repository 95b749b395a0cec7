"""Option intents, executions and events for tests of the store: a put that is sold, and a spread."""

from datetime import timedelta
from decimal import Decimal

from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.lots import EventKind, LedgerEvent, LegFill
from mtum.core.portfolio.options.orders import Attempt, OptionIntent
from mtum.core.portfolio.orders import Side
from support.option_orders import DAY, GROUP, NOW, SESSION, SPOT, STRATEGY, call, legs, net, put
from support.store import ACCOUNT
from support.values import replace

P95, P90, C105 = put(95), put(90), call(105)


def planned(*parts: tuple[Side, OptionContract], quantity: int = 1, **changed: object) -> OptionIntent:
    """An intent that opens these legs; one put sold where none is named."""
    sound = OptionIntent(
        account=ACCOUNT,
        session=DAY,
        strategy=STRATEGY,
        underlying="SPY",
        purpose=OptionPurpose.OPEN,
        legs=legs(*(parts or ((Side.SELL, P95),))),
        quantity=quantity,
        envelope=Envelope(net("-1.20"), net("-1.00")),
        spot=SPOT,
        group=GROUP,
        most_loss_usd=Decimal(9380),
        deadline=SESSION.before_close(5),
        reasons=("write_put",),
    )
    return replace(sound, **changed)


def attempt(intent: OptionIntent, number: int = 1, price: str = "-1.20", *, in_place: bool = False) -> Attempt:
    return Attempt(intent, number, net(price), in_place)


def leg_fill(
    intent: OptionIntent, exec_id: str, contract: OptionContract, quantity: int, price: str, fee: str | None = "0.70"
) -> LegFill:
    return LegFill(
        exec_id,
        intent.account,
        intent.strategy,
        intent.group,
        intent.id,
        contract,
        intent.session,
        quantity,
        Decimal(price),
        None if fee is None else Decimal(fee),
    )


def ended(kind: EventKind, contract: OptionContract, quantity: int, price: str | Decimal, running: int) -> LedgerEvent:
    """What ended contracts in the night after `DAY`."""
    day = DAY + timedelta(days=3)
    return LedgerEvent(kind, ACCOUNT, contract, quantity, Decimal(price), day, running, ("seen by the broker's lists",))


AT = NOW
