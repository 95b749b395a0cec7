"""What the settings say of all sleeves together, as the core knows it."""

from typing import TYPE_CHECKING

from mtum.config.sections import Settings

if TYPE_CHECKING:
    from mtum.core.coordination.account import AccountRules


def account_rules(settings: Settings) -> "AccountRules":
    """Return the limits that all sleeves keep together, and how their cash moves."""
    from mtum.core.coordination.account import AccountRules, SymbolGroup  # loads numpy
    from mtum.core.coordination.cash import FundRules, TransferRules

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
