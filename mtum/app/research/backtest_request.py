"""What a backtest is asked: symbol, span, models and the terms behind the settings."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

from mtum.config import Settings
from mtum.core.strategies.contract import Strategy
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.core.simulation.played import PlayTerms


class DecisionModel(Enum):
    """Which bar a session is decided on: the final one, or as it looked 20 minutes before the close."""

    OFFICIAL = "official"
    NEAR_CLOSE = "near_close"


PLAYED = (
    "portfolio.capital_usd",
    "portfolio.max_position_frac",
    "portfolio.cash_buffer_frac",
    "portfolio.cost_model",
    "portfolio.cost_frac",
    "risk.max_daily_loss_usd",
    "risk.daily_loss_pause_sessions",
    "risk.on_daily_loss",
    "risk.max_position_usd",
    "risk.max_drawdown_frac",
)
"""Settings that a backtest plays, beside its strategy's: what `BacktestRequest.terms` reads."""


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """One question to history.

    Parameters
    ----------
    settings : Settings
        Strategy, portfolio and risk numbers.
    strategy : str or None
        Name of the strategy; None for the configured one.
    symbol : str or None
        Symbol traded instead of the strategy's own.
    start, end : date or None
        Sessions decided; earlier bars serve as warm-up.
    """

    settings: Settings
    strategy: str | None = None
    symbol: str | None = None
    start: date | None = None
    end: date | None = None
    decision: DecisionModel = DecisionModel.OFFICIAL
    fill: str = "same_close"
    settlement: str = "none"
    slippage_bps: float = 0.0

    def active_strategy(self) -> Strategy:
        """Return the strategy, moved to the asked symbol.

        Raises
        ------
        UsageError
            If there is no strategy of that name.
        """
        name = self.strategy or self.settings.portfolio.strategy
        if name not in self.settings.strategy:
            known = ", ".join(sorted(self.settings.strategy))
            raise UsageError(f'there is no strategy "{name}"; use one of {known}')
        return on_symbol(self.settings.active_strategy(name), self.symbol)

    def terms(self) -> "PlayTerms":
        """Return the terms behind the settings."""
        from mtum.core.simulation.played import FillModel, PlayTerms, Settlement  # loads numba

        portfolio, risk = self.settings.portfolio, self.settings.risk
        return PlayTerms(
            capital_usd=portfolio.capital_usd,
            rules=portfolio.rules(risk),
            loss_pause_sessions=risk.daily_loss_pause_sessions,
            fill=FillModel(self.fill),
            slippage_bps=self.slippage_bps,
            settlement=Settlement(self.settlement),
        )

    def settings_document(self) -> dict[str, Any]:
        """Return the settings that shape the result, as plain values."""
        document = self.settings.document()
        name = self.strategy or self.settings.portfolio.strategy
        strategy = dict(document["strategy"][name])
        if self.symbol is not None and "symbol" in strategy:
            strategy["symbol"] = self.symbol
        return {
            "strategy": {name: strategy},
            "portfolio": document["portfolio"],
            "risk": document["risk"],
            "settlement": self.settlement,
            "slippage_bps": self.slippage_bps,
        }


def on_symbol(strategy: Strategy, symbol: str | None) -> Strategy:
    """Return the strategy trading another symbol; unchanged for None.

    Raises
    ------
    UsageError
        If the strategy does not trade one symbol of choice.
    """
    from dataclasses import fields, replace

    if symbol is None:
        return strategy
    if "symbol" not in {one.name for one in fields(strategy)}:  # type: ignore[arg-type]  # strategies are dataclasses
        raise UsageError(f"{strategy.name} trades symbols of its own; leave out --symbol")
    moved: Strategy = replace(strategy, symbol=symbol)  # type: ignore[type-var]  # as above
    return moved
