"""What the settings say of the account: the limits that all sleeves keep together, and whose a database is."""

from decimal import Decimal
from typing import TYPE_CHECKING

from mtum.config.sections import Settings
from mtum.core.portfolio.money import exact

if TYPE_CHECKING:
    from mtum.core.coordination.account import AccountRules
    from mtum.core.portfolio.options.gate_facts import OptionRules

HIGHEST_LEVEL = 4
"""Permission level of a simulated account: nobody has to grant one."""


def account_rules(settings: Settings) -> "AccountRules":
    """Return the limits that all sleeves keep together, and how their cash moves."""
    from mtum.core.coordination.account import AccountRules, SymbolGroup  # loads numpy
    from mtum.core.coordination.transfers import FundRules, TransferRules

    risk, money = settings.risk, settings.portfolio
    return AccountRules(
        daily_loss_usd=risk.account_daily_loss_usd,
        drawdown_frac=risk.account_drawdown_frac,
        max_symbol_frac=risk.max_symbol_frac,
        groups=tuple(SymbolGroup(name, one.symbols, one.max_frac) for name, one in settings.group.items()),
        max_gross_frac=risk.max_gross_frac,
        correlation_penalty=risk.correlation_penalty,
        target_volatility_frac=risk.target_volatility_frac,
        max_var_frac=risk.max_var_frac,
        fund=FundRules(money.cash_keep_usd, money.cash_step_usd) if money.cash_symbol else None,
        transfers=TransferRules(money.sleeve_rebalance, money.sleeve_band_frac, money.weighting),
    )


def option_rules(settings: Settings, account: str, sleeve_usd: Decimal, account_usd: Decimal) -> "OptionRules":
    """Return what the last gate allows an order in options.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    account : str
        Code of the account.
    sleeve_usd, account_usd : Decimal
        Equity of the order's sleeve, and of the account.
    """
    from mtum.core.portfolio.options.gate_facts import OptionRules

    limits, practice = settings.options, settings.mode == "practice"
    return OptionRules(
        account=account,
        max_quantity=limits.max_contracts,
        min_days=limits.min_days,
        max_spot_move_frac=exact(limits.max_spot_move_frac),
        strategy_loss_usd=exact(limits.sleeve_loss_frac) * max(sleeve_usd, Decimal(0)),
        account_loss_usd=exact(limits.account_loss_frac) * max(account_usd, Decimal(0)),
        level=HIGHEST_LEVEL if practice else limits.level,
        max_margin_usd=exact(limits.max_margin_frac) * max(account_usd, Decimal(0)),
        fee_usd=exact(limits.fee_usd),
        max_changes=limits.max_changes,
        max_orders=limits.max_orders,
        paper=None if practice else settings.mode == "paper",
    )


def ownership_problems(settings: Settings, mode: str | None, account: str | None) -> list[str]:
    """Return how a database's stamp of mode and account contradicts the settings.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    mode : str or None
        Mode that the database is stamped with; None for none.
    account : str or None
        Code of the account; None where none is named.
    """
    lines = []
    if mode is not None and mode != settings.mode:
        lines.append(f'the database belongs to mode "{mode}", the settings say "{settings.mode}"')
    elif account and settings.mode != "practice" and account != settings.broker.account:
        lines.append(f'the database belongs to account {account}, the settings say "{settings.broker.account}"')
    return [f"{line}; give each its own --data-dir" for line in lines]
