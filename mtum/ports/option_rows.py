"""Rows about options that the database is read in."""

from collections.abc import Sequence

from msgspec import Struct


class OptionTradeRow(Struct, frozen=True):
    """Option contracts that ended. The columns of `v_option_trades`; None where a fee is not known."""

    strategy: str
    structure: str
    underlying: str
    contract: str
    quantity: int
    opened: str
    open_price: float
    ended: str
    end_price: float
    kind: str
    fees_usd: float | None
    pnl_usd: float | None


class OptionOrderRow(Struct, frozen=True):
    """One attempt of an order in options, or one that has none yet; prices net, USD per share, below 0 for a credit."""

    id: str
    ref: str | None
    session: str
    strategy: str
    account: str
    underlying: str
    purpose: str
    structure: str
    legs: str
    quantity: int
    filled: int
    price: float | None
    status: str
    reasons: Sequence[str]
    broker_id: str | None
    code: str | None
    text: str
    attempt: int | None
    planned_at: str
    submitted_at: str | None
    updated_at: str


class OptionFillRow(Struct, frozen=True):
    """An execution of one leg that counts; contracts below 0 are sold, price in USD a share; fee None if not known."""

    exec_id: str
    intent_id: str
    account: str
    strategy: str
    session: str
    structure: str
    underlying: str
    contract: str
    quantity: int
    price: float
    fee_usd: float | None

    @property
    def words(self) -> str:
        """What was traded: ``-1 SPY 2026-08-21 740 put``."""
        return f"{self.quantity:+} {self.contract}"


class OptionConditionRow(Struct, frozen=True):
    """One condition that a decided session judged an underlying or an open structure of options by."""

    session: str
    strategy: str
    underlying: str
    structure: str | None
    number: int
    condition: str
    value: float | None
    threshold: float | None
    passed: int
