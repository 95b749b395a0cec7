"""Every setting: its type, unit, default and range; one class per section."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, field

from mtum.config.addresses import Host, WebAddress
from mtum.config.defaults import parameters, with_defaults
from mtum.config.option_limits import Options
from mtum.config.upkeep import Mail, Notify, Plugins, SettingsSection, Storage, Web
from mtum.core.canonical import plain
from mtum.core.portfolio.fund import FUND, CashFund
from mtum.core.portfolio.money import exact
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy

if TYPE_CHECKING:
    from mtum.core.portfolio.costs import CostModel
    from mtum.core.portfolio.decision import PortfolioRules
    from mtum.core.portfolio.sleeves import Sleeve


Multiple = Annotated[float, Meta(gt=0, le=100)] | None
Usd = Annotated[float, Meta(gt=0, le=1e12)] | None
Fraction = Annotated[float, Meta(gt=0, lt=1)] | None


REPLAYED_SOURCES = ("sample", "csv")
"""Sources whose market time is not the computer's in practice mode."""


class Market(SettingsSection, frozen=True, kw_only=True):
    """Where bars and the VIX come from, and which checks they must pass."""

    source: Literal["sample", "csv", "yahoo", "ib"] = "sample"
    """source of every bar of a decision"""
    sample: Literal["multi", "stocks"] = "multi"
    """embedded market of source "sample": indices and Treasuries 2014 to 2018, or five stocks 2000 to 2013"""
    second_source: Literal["csv", "yahoo", "ib"] | None = None
    """source that must agree on the last close and the VIX; "none" for no second opinion"""
    csv_dir: str = "bars"
    """folder of SYMBOL.csv files for source "csv", relative to the data folder"""
    csv_prices: Literal["adjusted", "raw"] = "adjusted"
    """prices in CSV files: split-adjusted, or as traded and re-based by the files' column split"""
    calendar_overrides: str = ""
    """TOML file of closures and early closes announced at short notice; empty for none"""
    volume_mode: Literal["projected", "raw", "prior_session"] = "projected"
    """today's volume: projected to the whole session, as seen so far, or yesterday's"""
    dividend_source: Literal["yahoo", "file"] | None = None
    """source of dividends in place of "ib": Yahoo, or dividends.csv in the data folder; "none" for none"""
    chain_dir: str = ""
    """folder of recorded option chains (CSV or Parquet), relative to the data folder; empty: the model alone"""
    spike_multiple: Annotated[float, Meta(ge=2, le=100)] = 10.0
    """a latest move larger than this many average daily moves must be confirmed"""
    sample_share: Literal["drawn", "exact"] = "drawn"
    """replayed markets: share of the volume seen at the decision is drawn, or known exactly"""
    sample_bond_holidays: Literal["carried", "missing"] = "carried"
    """embedded Treasuries on days without a published yield: decided on the last one, or not decided"""
    yahoo_url: WebAddress = ""
    """base address for the Yahoo source; empty for the vendor's own"""
    read_timeout_seconds: Annotated[float, Meta(gt=0, le=120)] = 10.0
    """longest wait for one answer of a source"""

    def vix_falls_back(self, *, rehearsal: bool) -> bool:
        """Whether Yahoo is asked for a VIX that nobody else has; a practice gateway's time is not Yahoo's."""
        return self.source == "ib" and self.second_source != "yahoo" and (bool(self.yahoo_url) or not rehearsal)


class Portfolio(SettingsSection, frozen=True, kw_only=True):
    """The sleeve: its capital and how much of it a position may take."""

    strategy: str = "mtum_confluence"
    """strategy that the daily job runs"""
    capital_usd: Annotated[float, Meta(gt=0, le=1e12)] = 5000.0
    """cash the sleeve starts with, once; later changed by `mtum capital`"""
    max_position_frac: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """largest position as a fraction of the sleeve's equity"""
    cash_buffer_frac: Annotated[float, Meta(ge=0, lt=1)] = 0.005
    """part of a purchase kept back because the auction price is not known"""
    cost_model: Literal["percent", "ib", "ib_tiered"] = "percent"
    """assumed commissions: a percentage, or the broker's fixed or tiered schedule"""
    cost_frac: Annotated[float, Meta(ge=0, lt=0.1)] = 0.001
    """assumed cost per side as a fraction of the trade, cost model "percent\""""
    sec_fee_frac: Annotated[float, Meta(ge=0, lt=0.01)] = 0.0000206
    """fee of the SEC as a fraction of what is sold, cost model "ib_tiered\""""
    taf_per_share_usd: Annotated[float, Meta(ge=0, lt=0.1)] = 0.000195
    """trading activity fee of FINRA for each share sold, cost model "ib_tiered\""""
    exchange_fee_per_share_usd: Annotated[float, Meta(ge=0, lt=0.1)] = 0.0016
    """closing auction's fee for each share, cost model "ib_tiered\""""
    clearing_fee_per_share_usd: Annotated[float, Meta(ge=0, lt=0.1)] = 0.000203
    """fees of clearing and audit trail for each share, cost model "ib_tiered\""""
    impact_coefficient: Multiple = None
    """backtests: market impact of a fill, in daily volatilities times the root of its part of the volume"""
    account_kind: Literal["cash", "margin"] = "cash"
    """kind of the simulated account; a real one is asked"""
    auction_volume_frac: Fraction = None
    """simulated exchange and backtests: part of a symbol's volume that its closing auction fills; "none" for all"""
    sleeve_rebalance: Literal["none", "month", "quarter"] = "none"
    """last session of which period moves cash from sleeves above their share to those below"""
    sleeve_band_frac: Annotated[float, Meta(ge=0, le=10)] = 0.2
    """how far above its share a sleeve must be before it gives, as a fraction of the share"""
    weighting: Literal["fixed", "inverse_volatility", "sharpe"] = "fixed"
    """what the shares of the sleeves are at a rebalancing"""
    cash_symbol: str | None = None
    """fund that idle cash is kept in, for instance SGOV; "none" for cash"""
    cash_keep_usd: Annotated[float, Meta(ge=0, le=1e12)] = 1000.0
    """cash that is never put into the fund"""
    cash_step_usd: Annotated[float, Meta(gt=0, le=1e12)] = 1000.0
    """idle cash beyond what is kept from which on the fund is bought"""

    def costs(self) -> "CostModel":
        """Return the cost model that these settings name."""
        from mtum.core.portfolio.costs import ThirdPartyFees, cost_model

        fees = ThirdPartyFees(
            sec_frac=exact(self.sec_fee_frac),
            taf_usd=exact(self.taf_per_share_usd),
            exchange_usd=exact(self.exchange_fee_per_share_usd),
            clearing_usd=exact(self.clearing_fee_per_share_usd),
        )
        return cost_model(self.cost_model, exact(self.cost_frac), fees)

    def rules(self, risk: "SleeveRisk") -> "PortfolioRules":
        """Return the numbers of sizing and limits that these settings and limits ask for."""
        from mtum.core.portfolio.decision import PortfolioRules, StopRules
        from mtum.core.portfolio.limits import LossRules
        from mtum.core.portfolio.sizing import SizingRules

        return PortfolioRules(
            sizing=SizingRules(
                max_position_frac=self.max_position_frac,
                max_position_usd=float("inf") if risk.max_position_usd is None else risk.max_position_usd,
                cash_buffer_frac=self.cash_buffer_frac,
                costs=self.costs(),
            ),
            losses=LossRules(
                max_daily_loss_usd=risk.max_daily_loss_usd,
                flatten_on_daily_loss=risk.on_daily_loss == "flatten",
                max_drawdown_frac=risk.max_drawdown_frac,
                max_daily_loss_frac=risk.max_daily_loss_frac,
            ),
            stops=StopRules(risk.take_profit_frac, risk.stop_loss_frac),
        )


class SleeveRisk(SettingsSection, frozen=True, kw_only=True):
    """Limits of one sleeve; what is left out is as in [risk]."""

    max_daily_loss_usd: Usd = 500.0
    """at or beyond this loss in a session no entry is made; "none" for no limit, with sleeves the default"""
    daily_loss_pause_sessions: Annotated[int, Meta(ge=0, le=100)] = 1
    """further sessions without entries after such a loss"""
    on_daily_loss: Literal["block", "flatten"] = "block"
    """"block" entries, or "flatten": sell at this close, then block entries until `mtum resume`"""
    max_position_usd: Usd = 5000.0
    """largest position in one symbol in USD; "none" for no limit, with sleeves the default"""
    max_drawdown_frac: Fraction = None
    """drawdown at which entries stop until `mtum resume`, which resets the peak; "none" for no limit"""
    require_confirmation: bool | Literal["all"] = False
    """true: entries need `mtum approve`; "all": exits too"""
    exit_fallback: Literal["none", "market"] = "none"
    """after a finally rejected exit: nothing, or a market order when nothing is in doubt"""
    max_daily_loss_frac: Fraction = None
    """the same as a fraction of the sleeve's equity before the loss; with sleeves 0.10, else "none\""""
    take_profit_frac: Multiple = None
    """gain on the entry price at which a position is sold; "none" for no such sale"""
    stop_loss_frac: Fraction = None
    """loss on the entry price at which a position is sold; "none" for no such sale"""


class Risk(SleeveRisk, frozen=True, kw_only=True):
    """Limits; each says what it stops, none can stop a loss inside a session."""

    max_value_jump_frac: Annotated[float, Meta(gt=0, lt=1)] = 0.10
    """unexplained change of the account's value at which entries stop"""
    account_daily_loss_usd: Usd = None
    """at or beyond this loss of all sleeves together nothing is bought; "none" for no limit"""
    account_drawdown_frac: Fraction = None
    """drawdown of all sleeves together at which nothing is bought; "none" for no limit"""
    max_symbol_frac: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """largest part of the account's equity in one symbol"""
    max_gross_frac: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """largest part of the account's equity in shares"""
    correlation_penalty: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """how much a position shrinks for its correlation with what the account holds; 0: not at all"""
    target_volatility_frac: Multiple = None
    """volatility of the account, a year, above which purchases are cut; "none" for no limit"""
    max_var_frac: Fraction = None
    """one-day value at risk, 95 %, as a part of the account above which purchases are cut; "none" for no limit"""


RISK_OF_SLEEVES = {"max_daily_loss_usd": None, "max_position_usd": None, "max_daily_loss_frac": 0.10}
"""Limits that are otherwise where the settings have sleeves: amounts in USD do not fit shares of any size."""


class SleeveSettings(SettingsSection, frozen=True, kw_only=True):
    """A strategy with its parameters, its share of the money and its own books."""

    strategy: str
    """strategy of this sleeve"""
    weight: Annotated[float, Meta(ge=0, le=1)]
    """part of portfolio.capital_usd it starts with; all weights together are at most 1"""
    state: Literal["on", "watch", "reduce_only", "close", "off"] = "on"
    """"on"; "watch": virtual money; "reduce_only": no entries; "close": sell all; "off": no decisions"""
    virtual_usd: Annotated[float, Meta(gt=0, le=1e12)] = 10_000.0
    """virtual money it starts with while it is watched"""
    benchmark: str | None = None
    """symbol to compare it with; "none" for what it trades, equal parts"""
    rules: Any = None
    risk: SleeveRisk = SleeveRisk()


class Group(SettingsSection, frozen=True, kw_only=True):
    """Symbols that may take up a part of the account together."""

    symbols: Annotated[tuple[str, ...], Meta(min_length=1)]
    """symbols of the group"""
    max_frac: Annotated[float, Meta(gt=0, le=1)]
    """largest part of the account's equity in all of them"""


class Broker(SettingsSection, frozen=True, kw_only=True):
    """The broker's gateway and the account that may be traded."""

    host: Host = "127.0.0.1"
    """address of the gateway"""
    port: Annotated[int, Meta(ge=1, le=65535)] = 4002
    """4002 paper gateway, 4001 live, 7497 and 7496 for TWS"""
    client_id: Annotated[int, Meta(ge=1, le=999)] = 17
    """fixed API client id; only it can cancel an order it placed; last prices for eyes use one 1000 higher"""
    account: str = ""
    """account that is traded; required in paper and live"""
    live_account: str = ""
    """the same account again, as a second key for live"""
    library: Literal["ib_insync", "ib_async"] = "ib_insync"
    """client library; only one of the two may be installed"""
    max_clock_skew_seconds: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    """largest difference between our clock and the broker's"""
    connect_seconds: Annotated[float, Meta(gt=0, le=120)] = 15.0
    """longest wait for a connection"""
    request_seconds: Annotated[float, Meta(gt=0, le=120)] = 10.0
    """longest wait for one answer"""
    data_lines: Annotated[int, Meta(ge=1, le=1000)] = 50
    """quotes asked for at once; a login has 100 market data lines, shared with what its screens show"""
    acknowledge_seconds: Annotated[float, Meta(gt=0, le=300)] = 20.0
    """longest wait for the answer to an order before the lists are asked"""
    resolve_seconds: Annotated[float, Meta(ge=0, le=3600)] | None = None
    """how long an unanswered order is searched for; "none": until ten minutes before the close"""


class Schedule(SettingsSection, frozen=True, kw_only=True):
    """Minutes before the close of each step of the trading day."""

    window_opens_minutes: Annotated[float, Meta(gt=0, le=240)] = 22.0
    """from here `mtum run` may act"""
    snapshot_minutes: Annotated[float, Meta(gt=0, le=240)] = 20.0
    """prices, volume and VIX are read"""
    data_deadline_minutes: Annotated[float, Meta(gt=0, le=240)] = 17.5
    """without fit data by then nothing is decided"""
    decision_deadline_minutes: Annotated[float, Meta(gt=0, le=240)] = 17.0
    """the decision is recorded by then"""
    last_send_minutes: Annotated[float, Meta(gt=0, le=240)] = 15.0
    """last moment an order is sent"""
    allow_late_send: bool = False
    """allow `last_send_minutes` below 10, after which the exchange refuses cancels"""


class Settings(SettingsSection, frozen=True, kw_only=True):
    """All settings of one run."""

    mode: Literal["practice", "paper", "live"] = "practice"
    """practice: everything simulated; paper: the broker's simulated account; live: real money"""
    market: Market = Market()
    strategy: Mapping[str, Any] = field(default_factory=dict)
    """those of which a parameter is not its default, and a person's own; None for one that cannot be made"""
    sleeve: Mapping[str, SleeveSettings] = field(default_factory=dict)
    group: Mapping[str, Group] = field(default_factory=dict)
    portfolio: Portfolio = Portfolio()
    risk: Risk = Risk()
    options: Options = Options()
    broker: Broker = Broker()
    schedule: Schedule = Schedule()
    mail: Mail = Mail()
    notify: Notify = Notify()
    storage: Storage = Storage()
    plugins: Plugins = Plugins()
    web: Web = Web()

    def general(self, name: str) -> Strategy | None:
        """Return a strategy with its general parameters; None where one that has no default is not set."""
        ours = parameters().get(name)
        if name in self.strategy or ours is None or ours.required:
            return self.strategy.get(name)
        return STRATEGIES[name]()

    def active_strategy(self, name: str | None = None) -> Strategy:
        """Return the configured strategy of that name (default: the daily job's)."""
        found = self.general(name or self.portfolio.strategy)
        if found is None:
            raise KeyError(name)
        return found

    @property
    def has_sleeves(self) -> bool:
        """Whether the account is more than one strategy with all the money."""
        return bool(self.sleeve) or self.portfolio.cash_symbol is not None

    @property
    def trades_options(self) -> bool:
        """Whether a sleeve runs a strategy of options; then there is more to the trading day."""
        return any(one.rules is not None and one.rules.OPTIONS for one in self.configured().values())

    def configured(self) -> Mapping[str, SleeveSettings]:
        """Return what the account is made of, in the order of the settings; without sleeves one with all the money."""
        sleeves = dict(self.sleeve)
        if not sleeves:
            name = self.portfolio.strategy
            sleeves[name] = SleeveSettings(strategy=name, weight=1.0, rules=self.general(name), risk=self.risk)
        if self.portfolio.cash_symbol:
            # It owns what idle cash bought, whatever that costs.
            free = SleeveRisk(max_daily_loss_usd=None, max_position_usd=None)
            fund = CashFund(self.portfolio.cash_symbol)
            sleeves[FUND] = SleeveSettings(strategy=fund.name, weight=0.0, rules=fund, risk=free)
        return sleeves

    def traded(self) -> dict[str, tuple[str, ...]]:
        """Return the symbols that each sleeve may hold, by its name."""
        owning = {name: one for name, one in self.configured().items() if one.state != "watch"}
        return {name: one.rules.universe() for name, one in owning.items()}

    def named(self) -> dict[str, tuple[str, ...]]:
        """Return every symbol that the settings of each sleeve and group name: held, read, compared with, limited."""
        sleeves = {
            name: (*one.rules.universe(), *one.rules.reads(), *filter(None, [one.benchmark]))
            for name, one in self.configured().items()
        }
        return sleeves | {f"group {name}": one.symbols for name, one in self.group.items()}

    def sleeves(self) -> "tuple[Sleeve, ...]":
        """Return the sleeves of `configured` as the core knows them."""
        from mtum.core.portfolio.sleeves import Sleeve, SleeveState  # loads numpy

        def made(name: str, one: SleeveSettings) -> Sleeve:
            rules, pause = self.portfolio.rules(one.risk), one.risk.daily_loss_pause_sessions
            own = SleeveState(one.state), one.virtual_usd, one.benchmark or ""
            return Sleeve(name, one.rules, one.weight, *own, rules, pause)

        return tuple(made(name, one) for name, one in self.configured().items())

    def risk_of(self, sleeve: str) -> SleeveRisk:
        """Return the limits of a sleeve, those of the account for any other name."""
        return self.sleeve[sleeve].risk if sleeve in self.sleeve else self.risk

    def document(self) -> dict[str, Any]:
        """Return every setting as plain JSON values, in their order; none of what the account does not have."""
        left_out = {name for name in MANY if not getattr(self, name)} | (set() if self.trades_options else {"options"})
        found: dict[str, Any] = {
            name: plain(getattr(self, name)) for name in self.__struct_fields__ if name not in left_out
        }
        found["strategy"] = with_defaults(found["strategy"])
        for sleeve in found.get("sleeve", {}).values():
            sleeve["rules"] = sleeve.pop("rules")  # stored documents have them last
        return found

    def digest(self) -> str:
        """Return a short hash of what can change a decision: strategy, sleeves, portfolio, risk and market."""
        return digest_of(self.document())


DECIDING = ("market", "strategy", "portfolio", "risk")
"""Sections that can change a decision."""
MANY = ("sleeve", "group")
"""Sections of which there may be several, each with a name of its own; they too can change a decision."""
WHERE_GIVEN = (*MANY, "options")
"""Sections that stand in a document only where the account has what they are about."""


def digest_of(document: Mapping[str, Any]) -> str:
    """Return `Settings.digest` of settings as they were stored, whatever has become a setting since."""
    deciding = {name: document.get(name) for name in DECIDING}
    deciding |= {name: document[name] for name in WHERE_GIVEN if name in document}
    return sha256(json.dumps(deciding, sort_keys=True, allow_nan=False).encode()).hexdigest()[:16]


SECTIONS: dict[str, type[SettingsSection]] = {
    "market": Market,
    "portfolio": Portfolio,
    "risk": Risk,
    "options": Options,
    "broker": Broker,
    "schedule": Schedule,
    "mail": Mail,
    "notify": Notify,
    "storage": Storage,
    "plugins": Plugins,
    "web": Web,
}
