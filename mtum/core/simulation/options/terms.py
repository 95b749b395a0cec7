"""On what terms are options played?"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from mtum.core.market.sessions import Sessions
from mtum.core.options.asking import ChainRequest
from mtum.core.options.fees import OptionFees
from mtum.core.options.model.quotes import ModelChain
from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.options.gate_facts import OptionRules

FILL_PART = 0.5
"""Of the way from the middle to the far side at which orders fill: between the ladder's first offer and its last."""


class OptionTerms(Struct, frozen=True):
    """What a history with options is played with.

    Parameters
    ----------
    chain : callable
        Quotes a request at a spot (USD per share) and an instant; raises DataError where it cannot.
    index : callable
        Close of an index (VIX) on a session, in points, None where it is missing.
    rules : callable
        What the gate allows, of the equity of the sleeve and of the account in USD.
    sessions : Sessions
        The exchange's, from the first session played to the one after the last.
    rate : float
        Continuous interest a year, as a fraction.
    account : str
        Name of the account.
    fill_part : float
        Of the way from the middle to the far side at which orders fill; see `FILL_PART`.
    told : callable
        Given each decision as it is made.
    """

    chain: Callable[[ChainRequest, float, datetime], ModelChain]
    index: Callable[[str, datetime], float | None]
    rules: Callable[[Decimal, Decimal], OptionRules]
    sessions: Sessions
    rate: float
    points: float = 0.0
    account: str = "BACKTEST"
    fees: OptionFees = OptionFees()
    fill_part: float = FILL_PART
    told: Callable[[Decision], None] = lambda _: None
