"""Settings of options: what the last gate lets through, whatever a strategy decided."""

from typing import Annotated

from msgspec import Meta

from mtum.config.upkeep import SettingsSection


class Options(SettingsSection, frozen=True, kw_only=True):
    """Limits of every order in options; they hold where a strategy of options runs and mean nothing elsewhere."""

    level: Annotated[int, Meta(ge=0, le=4)] = 0
    """account's permission level: 1 covered calls, 2 long options, 3 spreads and puts; 0: unknown, opens nothing"""
    max_contracts: Annotated[int, Meta(ge=1, le=1000)] = 10
    """most contracts, or combinations of several, in one order"""
    min_days: Annotated[int, Meta(ge=0, le=365)] = 7
    """a contract is opened only with more calendar days left than this"""
    max_spot_move_frac: Annotated[float, Meta(gt=0, lt=1)] = 0.01
    """move of the underlying since the decision at which nothing is opened"""
    sleeve_loss_frac: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """largest part of a sleeve's equity that its open options may lose together"""
    account_loss_frac: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """largest part of the account's equity that all open options may lose together"""
    max_margin_frac: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """initial margin by the broker's what-if answer above which nothing is opened, as a part of the account's equity"""
    fee_usd: Annotated[float, Meta(ge=0, le=100)] = 1.5
    """commission and fees of a contract that cash is kept for"""
    max_changes: Annotated[int, Meta(ge=0, le=3)] = 3
    """changes of an opening order's price in a session"""
    max_orders: Annotated[int, Meta(ge=1, le=40)] = 8
    """orders in options of an underlying in a session, replaced ones included; what closes is not counted"""
