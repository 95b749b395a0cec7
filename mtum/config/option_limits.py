"""Settings of options: what the last gate lets through, whatever a strategy decided."""

from pydantic import Field

from mtum.config.upkeep import SettingsSection


class Options(SettingsSection):
    """Limits of every order in options; they hold where a strategy of options runs and mean nothing elsewhere."""

    level: int = Field(default=0, ge=0, le=4)
    """account's permission level: 1 covered calls, 2 long options, 3 spreads and puts; 0: unknown, opens nothing"""
    max_contracts: int = Field(default=10, ge=1, le=1000)
    """most contracts, or combinations of several, in one order"""
    min_days: int = Field(default=7, ge=0, le=365)
    """a contract is opened only with more calendar days left than this"""
    max_spot_move_frac: float = Field(default=0.01, gt=0, lt=1)
    """move of the underlying since the decision at which nothing is opened"""
    sleeve_loss_frac: float = Field(default=1.0, gt=0, le=1)
    """largest part of a sleeve's equity that its open options may lose together"""
    account_loss_frac: float = Field(default=1.0, gt=0, le=1)
    """largest part of the account's equity that all open options may lose together"""
    max_margin_frac: float = Field(default=1.0, gt=0, le=1)
    """initial margin by the broker's what-if answer above which nothing is opened, as a part of the account's equity"""
    fee_usd: float = Field(default=1.5, ge=0, le=100)
    """commission and fees of a contract that cash is kept for"""
    max_changes: int = Field(default=3, ge=0, le=3)
    """changes of an opening order's price in a session"""
    max_orders: int = Field(default=8, ge=1, le=40)
    """orders in options of an underlying in a session, replaced ones included; what closes is not counted"""
