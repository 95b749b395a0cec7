"""Every setting: its type, unit, default and range; one class per section."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from email.utils import getaddresses
from enum import Enum
from hashlib import sha256
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from mtum.core.strategies.contract import Strategy


def _none_word(given: object) -> object:
    # TOML has no null: the word "none" stands for it.
    return None if given == "none" else given


def _address(given: str) -> str:
    # "mtum <mtum@example.org>" is an address with a name.
    listed = getaddresses([given])
    found = listed[0][1] if len(listed) == 1 else ""  # of two addresses some Pythons read the first
    if (given and not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", found)) or any(ord(letter) < 32 for letter in given):
        raise ValueError("an address such as owner@example.org is needed")
    return given


def _recipient(given: str) -> str:
    if not given:
        raise ValueError("an address such as owner@example.org is needed")
    return _address(given)


def web_address(given: str) -> str:
    """Return an http or https address, or nothing, as it was given.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    try:
        parts = urlsplit(given)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if given and (not sound or re.search(r"\s", given)):
        raise ValueError("an address such as https://example.org/path is needed")
    return given


def _host(given: str) -> str:
    if given and not re.fullmatch(r"[\w.-]+|[0-9A-Fa-f:.]+(%\w+)?", given):
        raise ValueError("the name or the number of a machine is needed, without port and protocol")
    return given


Host = Annotated[str, AfterValidator(_host)]
WebAddress = Annotated[str, AfterValidator(web_address)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


REPLAYED_SOURCES = ("sample", "csv")
"""Sources whose market time is not the computer's in practice mode."""


class Market(_Section):
    """Where bars and the VIX come from, and how far they are believed."""

    source: Literal["sample", "csv", "yahoo", "ib"] = "sample"
    """source of every bar of a decision"""
    second_source: Annotated[Literal["csv", "yahoo", "ib"] | None, BeforeValidator(_none_word)] = None
    """source that must agree on the last close and the VIX; "none" for no second opinion"""
    csv_dir: str = "bars"
    """folder of SYMBOL.csv files for source "csv", relative to the data folder"""
    csv_prices: Literal["adjusted", "raw"] = "adjusted"
    """prices in CSV files: split-adjusted, or as traded and re-based by the files' column split"""
    calendar_overrides: str = ""
    """TOML file of closures and early closes announced at short notice; empty for none"""
    volume_mode: Literal["projected", "raw", "prior_session"] = "projected"
    """today's volume: projected to the whole session, as seen so far, or yesterday's"""
    spike_multiple: float = Field(default=10.0, ge=2, le=100)
    """a newest move beyond this many mean absolute moves must be confirmed"""
    sample_share: Literal["drawn", "exact"] = "drawn"
    """replayed markets: share of the volume seen at the decision is drawn, or known exactly"""
    yahoo_url: WebAddress = ""
    """base address for the Yahoo source; empty for the vendor's own"""
    read_timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """longest wait for one answer of a source"""

    def vix_falls_back(self, *, rehearsal: bool) -> bool:
        """Whether Yahoo is asked for a VIX that the broker does not show and no second source has.

        In a rehearsal only where something stands in for it: a practice gateway has a time of its own.
        """
        return self.source == "ib" and self.second_source != "yahoo" and (bool(self.yahoo_url) or not rehearsal)


class Portfolio(_Section):
    """The sleeve: its capital and how much of it a position may take."""

    strategy: str = "mtum_confluence"
    """strategy that the daily job runs"""
    capital_usd: float = Field(default=5000.0, gt=0, le=1e12)
    """cash the sleeve starts with, once; later changed by `mtum capital`"""
    max_position_frac: float = Field(default=1.0, gt=0, le=1)
    """largest position as a fraction of the sleeve's equity"""
    cash_buffer_frac: float = Field(default=0.005, ge=0, lt=1)
    """part of a purchase kept back because the auction price is not known"""
    cost_model: Literal["percent", "ib"] = "percent"
    """assumed commissions: a percentage, or the broker's schedule"""
    cost_frac: float = Field(default=0.001, ge=0, lt=0.1)
    """assumed cost per side as a fraction of the trade, cost model "percent\""""
    account_kind: Literal["cash", "margin"] = "cash"
    """kind of the simulated account; a real one is asked"""


class Risk(_Section):
    """Limits; each says what it stops, none can stop a loss inside a session."""

    max_daily_loss_usd: float = Field(default=500.0, gt=0, le=1e12)
    """at or beyond this loss in a session no entry is made"""
    daily_loss_pause_sessions: int = Field(default=1, ge=0, le=100)
    """further sessions without entries after such a loss"""
    on_daily_loss: Literal["block", "flatten"] = "block"
    """"block" entries, or "flatten": sell at this close, then entries stopped until `mtum resume`"""
    max_position_usd: float = Field(default=5000.0, gt=0, le=1e12)
    """largest purchase in USD"""
    max_drawdown_frac: Annotated[Annotated[float, Field(gt=0, lt=1)] | None, BeforeValidator(_none_word)] = None
    """fall from the peak at which entries stop until `mtum resume`, which counts the peak anew; "none" for no limit"""
    require_confirmation: bool | Literal["all"] = False
    """true: entries need `mtum approve`; "all": exits too"""
    exit_fallback: Literal["none", "market"] = "none"
    """after a finally rejected exit: nothing, or a market order when nothing is in doubt"""
    max_value_jump_frac: float = Field(default=0.10, gt=0, lt=1)
    """unexplained change of the account's value at which entries stop"""


class Broker(_Section):
    """The broker's gateway and the account that may be traded."""

    host: Host = "127.0.0.1"
    """address of the gateway"""
    port: int = Field(default=4002, ge=1, le=65535)
    """4002 paper gateway, 4001 live, 7497 and 7496 for TWS"""
    client_id: int = Field(default=17, ge=1, le=999)
    """fixed API client id of this program; an order can only be canceled by the id that placed it"""
    account: str = ""
    """account that is traded; required in paper and live"""
    live_account: str = ""
    """the same account again, as a second key for live"""
    library: Literal["ib_insync", "ib_async"] = "ib_insync"
    """client library; only one of the two may be installed"""
    max_clock_skew_seconds: float = Field(default=60.0, gt=0, le=3600)
    """largest difference between our clock and the broker's"""
    connect_seconds: float = Field(default=15.0, gt=0, le=120)
    """longest wait for a connection"""
    request_seconds: float = Field(default=10.0, gt=0, le=120)
    """longest wait for one answer"""
    acknowledge_seconds: float = Field(default=20.0, gt=0, le=300)
    """longest wait for the answer to an order before the lists are asked"""
    resolve_seconds: Annotated[Annotated[float, Field(ge=0, le=3600)] | None, BeforeValidator(_none_word)] = None
    """how long an unanswered order is searched for; "none": until ten minutes before the close"""


class Schedule(_Section):
    """Minutes before the close of each step of the trading day."""

    window_opens_minutes: float = Field(default=22.0, gt=0, le=240)
    """from here `mtum run` may act"""
    snapshot_minutes: float = Field(default=20.0, gt=0, le=240)
    """prices, volume and VIX are read"""
    data_deadline_minutes: float = Field(default=17.5, gt=0, le=240)
    """without fit data by then nothing is decided"""
    decision_deadline_minutes: float = Field(default=17.0, gt=0, le=240)
    """the decision is recorded by then"""
    last_send_minutes: float = Field(default=15.0, gt=0, le=240)
    """last moment an order is sent"""
    allow_late_send: bool = False
    """allow `last_send_minutes` below 10, after which the exchange refuses cancels"""


class Mail(_Section):
    """Where reports are sent; the password comes from MTUM_MAIL__PASSWORD."""

    host: Host = ""
    """SMTP server; empty for no mail"""
    port: int = Field(default=587, ge=1, le=65535)
    """587 for STARTTLS, 465 for TLS"""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """encryption of the connection"""
    user: str = ""
    """login name; empty for no login"""
    sender: Annotated[str, AfterValidator(_address)] = ""
    """address mails come from"""
    recipients: tuple[Annotated[str, AfterValidator(_recipient)], ...] = ()
    """addresses mails go to"""
    timeout_seconds: float = Field(default=20.0, gt=0, le=120)
    """longest wait for the mail server"""


class Notify(_Section):
    """Other channels; their addresses come from MTUM_NOTIFY__URLS."""

    quiet: bool = False
    """true: only messages that need a person"""


class Storage(_Section):
    """What is kept in the data folder."""

    keep_backups: int = Field(default=14, ge=1, le=1000)
    """verified backups kept"""
    keep_html_reports: int = Field(default=400, ge=1, le=100000)
    """HTML reports kept; text and JSON stay in the database"""
    keep_wire_days: int = Field(default=250, ge=1, le=100000)
    """days kept of the journal of every message to and from the broker (wire/)"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """least level of what is written to logs/mtum.jsonl"""


def _as_json(given: Any) -> Any:
    # A strategy's parameters may be lists and tables; they are stored as they would be read back.
    if isinstance(given, Mapping):
        return {str(key): _as_json(part) for key, part in given.items()}
    if isinstance(given, tuple | list):
        return [_as_json(part) for part in given]
    return given.value if isinstance(given, Enum) else given


class Settings(_Section):
    """All settings of one run."""

    mode: Literal["practice", "paper", "live"] = "practice"
    """practice: everything simulated; paper: the broker's simulated account; live: real money"""
    market: Market = Market()
    strategy: Mapping[str, Any] = Field(default_factory=dict)
    portfolio: Portfolio = Portfolio()
    risk: Risk = Risk()
    broker: Broker = Broker()
    schedule: Schedule = Schedule()
    mail: Mail = Mail()
    notify: Notify = Notify()
    storage: Storage = Storage()

    def active_strategy(self, name: str | None = None) -> Strategy:
        """Return the configured strategy of that name (default: the daily job's)."""
        found: Strategy = self.strategy[name or self.portfolio.strategy]
        return found

    def document(self) -> dict[str, Any]:
        """Return every setting as plain JSON values, sections in their order."""
        dumped = self.model_dump(mode="json", exclude={"strategy"})
        strategies = {name: _as_json(asdict(strategy)) for name, strategy in self.strategy.items()}
        mode, market = dumped.pop("mode"), dumped.pop("market")
        return {"mode": mode, "market": market, "strategy": strategies, **dumped}

    def digest(self) -> str:
        """Return a short hash of what can change a decision: strategy, portfolio, risk and market."""
        return digest_of(self.document())


DECIDING = ("market", "strategy", "portfolio", "risk")
"""Sections that can change a decision."""


def digest_of(document: Mapping[str, Any]) -> str:
    """Return `Settings.digest` of settings as they were stored, whatever has become a setting since."""
    deciding = {name: document.get(name) for name in DECIDING}
    return sha256(json.dumps(deciding, sort_keys=True, allow_nan=False).encode()).hexdigest()[:16]


SECTIONS: dict[str, type[_Section]] = {
    "market": Market,
    "portfolio": Portfolio,
    "risk": Risk,
    "broker": Broker,
    "schedule": Schedule,
    "mail": Mail,
    "notify": Notify,
    "storage": Storage,
}
