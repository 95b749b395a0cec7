"""Rows of option contracts, intents, executions and events, and back."""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from mtum.adapters.store.texts import RESTORE, cells, insert, instant, instant_text, money, plain
from mtum.core.canonical import parsed
from mtum.core.market.instruments import Right
from mtum.core.market.side import Side
from mtum.core.options.contracts import Delivery, OptionContract, Style
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.portfolio.options.lots import EventKind, LedgerEvent, LegFill
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.errors import StoreError


def insert_contract(connection: sqlite3.Connection, contract: OptionContract, at: str) -> None:
    """Record a contract with all its facts.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    contract : OptionContract
        One listed contract, as the broker's details of the day name it.
    at : str
        Instant that is recorded, as the store writes it.

    Raises
    ------
    StoreError
        If other facts of its number are known: that is an error, never another contract.
    """
    values = {**cells(contract), "recorded_at": at}
    insert(connection, "option_contracts", values, "ON CONFLICT (con_id) DO NOTHING")
    row = connection.execute("SELECT * FROM option_contracts WHERE con_id = ?", (contract.con_id,)).fetchone()
    if differs := contract_of(row).differs_from(contract):
        raise StoreError(f"{contract.words}, contract {contract.con_id}: {'; '.join(differs)}; nothing is recorded")


def contract_of(row: sqlite3.Row) -> OptionContract:
    """Return the contract of a row of `option_contracts`."""
    return OptionContract(
        con_id=row["con_id"],
        underlying=row["underlying"],
        right=Right(row["right"]),
        strike=money(row["strike"]),
        expiry=date.fromisoformat(row["expiry"]),
        settles=date.fromisoformat(row["settles"]),
        trading_class=row["trading_class"],
        style=Style(row["style"]),
        delivery=Delivery(row["delivery"]),
        multiplier=row["multiplier"],
        currency=row["currency"],
    )


def contracts_of(connection: sqlite3.Connection) -> dict[int, OptionContract]:
    """Return every contract that is known, by its number."""
    rows = connection.execute("SELECT * FROM option_contracts ORDER BY con_id")
    return {row["con_id"]: contract_of(row) for row in rows}


def insert_intent(connection: sqlite3.Connection, intent: OptionIntent, at: datetime) -> bool:
    """Record an intent with its legs as PLANNED; whether it was new.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    intent : OptionIntent
        What we want to trade in options, recorded before it is sent.
    at : datetime
        Instant that is recorded, UTC.
    """
    values = {
        "id": intent.id,
        **cells(intent, "legs", "envelope", "group"),
        "start": float(intent.envelope.start),
        "worst": None if intent.envelope.worst is None else float(intent.envelope.worst),
        "to_far_side": int(intent.envelope.to_far_side),
        "structure": intent.group,
        "reasons": plain(list(intent.reasons)),
        "status": "PLANNED",
        "planned_at": instant_text(at),
    }
    if not insert(connection, "option_intents", values, "ON CONFLICT (id) DO NOTHING").rowcount:
        return False
    for number, leg in enumerate(intent.legs, 1):
        insert_contract(connection, leg.contract, instant_text(at))
        row = (intent.id, number, leg.contract.con_id, leg.side.value, leg.ratio)
        connection.execute("INSERT INTO option_legs VALUES (?, ?, ?, ?, ?)", row)
    return True


def intent_of_row(row: sqlite3.Row, legs: Iterable[OptionLeg]) -> OptionIntent:
    """Return the intent of a row of `option_intents`.

    Raises
    ------
    StoreError
        If its identity is not made of what stands there.
    """
    worst = row["worst"]
    intent = OptionIntent(
        account=row["account"],
        session=date.fromisoformat(row["session"]),
        strategy=row["strategy"],
        underlying=row["underlying"],
        purpose=OptionPurpose(row["purpose"]),
        legs=tuple(legs),
        quantity=row["quantity"],
        envelope=Envelope(
            NetPrice(money(row["start"])), None if worst is None else NetPrice(money(worst)), bool(row["to_far_side"])
        ),
        spot=money(row["spot"]),
        group=row["structure"],
        most_loss_usd=money(row["most_loss_usd"]),
        deadline=instant(row["deadline"]),
        reasons=parsed(tuple[str, ...], row["reasons"], f"the option intent {row['id']}"),
    )
    if intent.id != row["id"]:
        raise StoreError(f"the option intent {row['id']} is not made of its session, strategy and legs; {RESTORE}")
    return intent


def legs_of(connection: sqlite3.Connection, contracts: Mapping[int, OptionContract]) -> dict[str, list[OptionLeg]]:
    """Return the legs of every intent, by its id."""
    found: dict[str, list[OptionLeg]] = {}
    for row in connection.execute("SELECT * FROM option_legs ORDER BY intent_id, number"):
        leg = OptionLeg(contracts[row["con_id"]], Side(row["side"]), row["ratio"])
        found.setdefault(row["intent_id"], []).append(leg)
    return found


def fill_values(fill: LegFill, stem: str, place: int) -> dict[str, str | int | float | None]:
    """Return a row of `option_fills`; it does not count yet.

    Parameters
    ----------
    fill : LegFill
        One execution of one leg; the record of the combination as a whole is none.
    stem : str
        Part of the execution's id that corrections share.
    place : int
        Place among the executions, oldest first.
    """
    return {
        **cells(fill, "contract", "group"),
        "structure": fill.group,
        "con_id": fill.contract.con_id,
        "stem": stem,
        "current": 0,
        "place": place,
    }


def fill_of(row: sqlite3.Row, contracts: Mapping[int, OptionContract]) -> LegFill:
    """Return the execution of a row of `option_fills`."""
    return LegFill(
        exec_id=row["exec_id"],
        account=row["account"],
        strategy=row["strategy"],
        group=row["structure"],
        intent_id=row["intent_id"],
        contract=contracts[row["con_id"]],
        session=date.fromisoformat(row["session"]),
        quantity=row["quantity"],
        price=money(row["price"]),
        fee_usd=None if row["fee_usd"] is None else money(row["fee_usd"]),
    )


def event_values(event: LedgerEvent, place: int, batch: int, at: datetime) -> dict[str, str | int | float | None]:
    """Return a row of `option_events`.

    Parameters
    ----------
    event : LedgerEvent
        What ended contracts of ours without an order of ours.
    place : int
        Place among the events, oldest first.
    batch : int
        Number of the batch that was booked together.
    at : datetime
        Instant that is recorded, UTC.
    """
    return {
        "key": event.key,
        **cells(event, "contract"),
        "con_id": event.contract.con_id,
        "evidence": plain(list(event.evidence)),
        "provisional": int(event.provisional),
        "place": place,
        "batch": batch,
        "recorded_at": instant_text(at),
    }


def event_of(row: sqlite3.Row, contracts: Mapping[int, OptionContract]) -> LedgerEvent:
    """Return the event of a row of `option_events`."""
    return LedgerEvent(
        kind=EventKind(row["kind"]),
        account=row["account"],
        contract=contracts[row["con_id"]],
        quantity=row["quantity"],
        price=money(row["price"]),
        effective=date.fromisoformat(row["effective"]),
        running=row["running"],
        evidence=parsed(tuple[str, ...], row["evidence"], f"the option event {row['key']}"),
        provisional=bool(row["provisional"]),
    )


def usd(amount: Decimal | None) -> float | None:
    """Return an amount as it stands in a column, to the millionth; None while it is not known."""
    return None if amount is None else float(round(amount, 6))
