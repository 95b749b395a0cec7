"""What a backtest is asked: symbol, span, models and the terms behind the settings."""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.config import Settings, SleeveRisk, account_rules
from mtum.config.names import required_of
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy
from mtum.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from mtum.core.portfolio.sleeves import Sleeve
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
    "portfolio.impact_coefficient",
    "portfolio.auction_volume_frac",
    "risk.max_daily_loss_usd",
    "risk.daily_loss_pause_sessions",
    "risk.on_daily_loss",
    "risk.max_position_usd",
    "risk.max_drawdown_frac",
)
"""Settings that a backtest plays, beside its strategy's: what `BacktestRequest.terms` reads."""


class BacktestRequest(Struct, frozen=True):
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
    holdings : mapping of symbol to int
        Shares at the start beside the cash.
    sleeve : str or None
        Name of the sleeve whose settings these are (see `of_sleeve`); None for that of the strategy.
    benchmark : str or None
        Symbol to compare it with; None for what the strategy is compared with.
    skip_unfit : bool or None
        Whether symbols whose bars are missing or break a rule are left out, where the strategy can do without them;
        None where a person cannot ask for it.
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
    holdings: Mapping[str, int] = field(default_factory=dict)
    sleeve: str | None = None
    benchmark: str | None = None
    skip_unfit: bool | None = None

    @property
    def whole_account(self) -> bool:
        """Whether all sleeves are played as one account, and not one strategy alone."""
        return self.strategy is None and self.sleeve is None and self.settings.has_sleeves

    def sleeves(self) -> "tuple[Sleeve, ...]":
        """Return the sleeves of the account that is played, the cash fund last.

        Raises
        ------
        UsageError
            If a symbol or shares at the start fit none of them.
        """
        if self.symbol is not None:
            raise UsageError("--symbol moves one strategy; add --strategy NAME, or leave it out to play the account")
        sleeves = self.settings.sleeves()
        known = [symbol for one in sleeves if one.owns_money and one.decides for symbol in one.symbols]
        strange = [symbol for symbol in self.holdings if symbol not in known]
        if strange:
            raise UsageError(f"--holding {strange[0]}={self.holdings[strange[0]]}: no sleeve trades {strange[0]}")
        return sleeves

    def active_strategy(self) -> Strategy:
        """Return the strategy, moved to the asked symbol.

        Raises
        ------
        UsageError
            If there is no strategy of that name, or it does not trade what is held at the start.
        ConfigError
            If it needs a setting that is not there.
        """
        name = self.strategy or self.settings.portfolio.strategy
        if name not in STRATEGIES:
            raise UsageError(f'there is no strategy "{name}"; use one of {", ".join(sorted(STRATEGIES))}')
        if self.settings.general(name) is None:
            from mtum.app.owner.settings_catalog import toml_text

            raise ConfigError(
                [
                    f"strategy.{name}.{key}: {name} needs it and has no default; set it in [strategy.{name}], or try "
                    f"--set 'strategy.{name}.{key}={toml_text(STRATEGIES[name].EXAMPLE.settings[key])}' ({doc})"
                    for key, doc in required_of(name).items()
                ]
            )
        strategy = on_symbol(self.settings.active_strategy(name), self.symbol)
        strange = [symbol for symbol in self.holdings if symbol not in strategy.universe()]
        if strange:
            raise UsageError(
                f"--holding {strange[0]}={self.holdings[strange[0]]}: {name} trades {', '.join(strategy.universe())}"
            )
        return strategy

    def compared_with(self, strategy: Strategy) -> Mapping[str, float]:
        """Return the symbols that the benchmark buys and holds, and their weights."""
        return {self.benchmark: 1.0} if self.benchmark else strategy.benchmark

    def terms(self) -> "PlayTerms":
        """Return the terms behind the settings."""
        from mtum.core.coordination.account import AccountRules
        from mtum.core.coordination.transfers import TransferRules
        from mtum.core.simulation.played import FillModel, PlayTerms, Settlement

        if self.whole_account:
            account = account_rules(self.settings)
        elif self.sleeve is None and not self.settings.sleeve:
            account = replace(account_rules(self.settings), fund=None, transfers=TransferRules())
        else:
            account = AccountRules()  # they are the account's, not one sleeve's alone
        portfolio, risk = self.settings.portfolio, self.settings.risk
        return PlayTerms(
            capital_usd=portfolio.capital_usd,
            rules=portfolio.rules(risk),
            loss_pause_sessions=risk.daily_loss_pause_sessions,
            fill=FillModel(self.fill),
            slippage_bps=self.slippage_bps,
            settlement=Settlement(self.settlement),
            holdings=self.holdings,
            impact_coefficient=portfolio.impact_coefficient,
            auction_volume_frac=portfolio.auction_volume_frac,
            account=account,
        )

    def settings_document(self) -> dict[str, Any]:
        """Return the settings that shape the result, as plain values."""
        document = self.settings.document()
        if self.whole_account:
            kept = ("sleeve", "group", "portfolio", "risk")
            names = dict.fromkeys(one.strategy for one in self.settings.sleeve.values())
            return {
                "strategy": {name: document["strategy"][name] for name in names if name in document["strategy"]},
                **{section: document[section] for section in kept if section in document},
                "settlement": self.settlement,
                "slippage_bps": self.slippage_bps,
                **({"holdings": dict(self.holdings)} if self.holdings else {}),
            }
        name = self.strategy or self.settings.portfolio.strategy
        strategy = dict(document["strategy"][name])
        if self.symbol is not None and "symbol" in strategy:
            strategy["symbol"] = self.symbol
        held = {"holdings": dict(self.holdings)} if self.holdings else {}
        return {
            "strategy": {name: strategy},
            "portfolio": document["portfolio"],
            "risk": document["risk"],
            "settlement": self.settlement,
            "slippage_bps": self.slippage_bps,
            **held,
        }


def of_sleeve(settings: Settings, name: str) -> Settings:
    """Return the settings of a sleeve as if it were alone: its strategy with its rules, its money, its limits.

    Raises
    ------
    UsageError
        If there is no sleeve of that name.
    """
    if not settings.sleeve and name == settings.portfolio.strategy:
        return settings
    if name not in settings.sleeve:
        known = " or ".join(settings.sleeve or [settings.portfolio.strategy])
        raise UsageError(f'--sleeve "{name}" is not known; use {known}')
    own = settings.sleeve[name]
    money = own.virtual_usd if own.state == "watch" else round(own.weight * settings.portfolio.capital_usd, 2)
    limits = {key: getattr(own.risk, key) for key in SleeveRisk.__struct_fields__}
    return replace(
        settings,
        strategy={**settings.strategy, own.strategy: own.rules},
        portfolio=replace(settings.portfolio, strategy=own.strategy, capital_usd=money),
        risk=replace(settings.risk, **limits),
        sleeve={},
    )


def on_symbol(strategy: Strategy, symbol: str | None) -> Strategy:
    """Return the strategy trading another symbol; unchanged for None.

    Raises
    ------
    UsageError
        If the strategy does not trade one symbol of choice.
    """
    import dataclasses

    if symbol is None:
        return strategy
    names = {one.name for one in dataclasses.fields(strategy)}  # type: ignore[arg-type]  # strategies are dataclasses
    if "symbol" not in names:
        raise UsageError(f"{strategy.name} trades symbols of its own; leave out --symbol")
    alone: dict[str, object] = {"symbol": symbol, **({"symbols": ()} if "symbols" in names else {})}
    moved: Strategy = dataclasses.replace(strategy, **alone)  # type: ignore[type-var]  # as above
    return moved
