"""Defaults as they are documented, and the document and hash of settings."""

from decimal import Decimal
from typing import Any

import pytest

from mtum import config
from mtum.config.names import parameters_of, required_of
from mtum.config.validation import strategy_from, strategy_of
from mtum.core.strategies import STRATEGIES

# Written down from the documentation of the settings, not from the code.
DOCUMENTED: dict[str, dict[str, Any]] = {
    "market": {
        "source": "sample",
        "sample": "multi",
        "second_source": None,
        "calendar_overrides": "",
        "volume_mode": "projected",
        "spike_multiple": 10.0,
        "sample_share": "drawn",
    },
    "portfolio": {
        "strategy": "mtum_confluence",
        "capital_usd": 5000.0,
        "max_position_frac": 1.0,
        "cash_buffer_frac": 0.005,
        "cost_model": "percent",
        "cost_frac": 0.001,
    },
    "risk": {
        "max_daily_loss_usd": 500.0,
        "daily_loss_pause_sessions": 1,
        "on_daily_loss": "block",
        "max_position_usd": 5000.0,
        "max_drawdown_frac": None,
        "require_confirmation": False,
        "exit_fallback": "none",
    },
    "broker": {"port": 4002, "account": "", "live_account": "", "max_clock_skew_seconds": 60.0},
    "schedule": {
        "window_opens_minutes": 22.0,
        "snapshot_minutes": 20.0,
        "last_send_minutes": 15.0,
        "allow_late_send": False,
    },
}
DOCUMENTED_STRATEGY = {
    "symbol": "MTUM",
    "ma_sessions": 50,
    "rsi_sessions": 14,
    "atr_sessions": 14,
    "volume_sessions": 20,
    "rsi_smoothing": "simple",
    "atr_smoothing": "simple",
    "vix_entry_below": 25.0,
    "vix_exit_above": 30.0,
    "rsi_entry_above": 50.0,
    "rsi_exit_below": 30.0,
    "atr_target_multiple": 4.0,
    "reentry_cooldown_sessions": 0,
}
DEFAULTS = config.load(None, {})


@pytest.mark.parametrize("section", DOCUMENTED)
def test_defaults_of_a_section_are_the_documented_ones(section: str) -> None:
    found = DEFAULTS.document()[section]
    assert {name: found[name] for name in DOCUMENTED[section]} == DOCUMENTED[section]


def test_defaults_of_the_strategy_are_the_documented_ones() -> None:
    assert DEFAULTS.document()["strategy"]["mtum_confluence"] == DOCUMENTED_STRATEGY


def test_nothing_trades_real_money_or_leaves_the_machine_by_default() -> None:
    assert (DEFAULTS.mode, DEFAULTS.mail.host, DEFAULTS.broker.host) == ("practice", "", "127.0.0.1")


@pytest.mark.parametrize("section", config.SECTIONS)
def test_every_setting_says_what_it_is(section: str) -> None:
    model = config.SECTIONS[section]
    texts = model.texts()
    assert [name for name in model.__struct_fields__ if not texts.get(name)] == []


def test_the_document_has_every_setting_and_no_secret() -> None:
    document = DEFAULTS.document()
    names = {"mode"} | {
        f"{section}.{name}"
        for section, part in document.items()
        if section not in ("mode", "strategy")
        for name in part
    }
    names |= {f"strategy.{key}.{name}" for key, part in document["strategy"].items() for name in part}
    required = {f"strategy.{name}.{key}" for name in STRATEGIES if required_of(name) for key in parameters_of(name)}
    # Limits of orders in options stand in the documents of accounts that trade them.
    required |= {name for name in config.setting_names() if name.startswith("options.")}
    assert names == set(config.setting_names()) - required
    assert not names & set(config.SECRETS)


@pytest.mark.parametrize(
    "name", ["strategy.mtum_confluence.ma_sessions", "portfolio.capital_usd", "risk.max_daily_loss_usd"]
)
def test_what_can_change_a_decision_changes_the_hash(name: str) -> None:
    assert config.load(None, {}, {name: 60}).digest() != DEFAULTS.digest()


def test_how_people_are_told_does_not_change_the_hash() -> None:
    mail = {"mail.host": "mail.example", "mail.sender": "m@example", "mail.recipients": ["o@example"]}
    told = config.load(None, {}, {**mail, "notify.quiet": True, "storage.keep_backups": 3})
    assert told.digest() == DEFAULTS.digest() == config.load(None, {}).digest()


def test_the_active_strategy_is_the_one_named() -> None:
    held = config.load(None, {}, {"portfolio.strategy": "buy_and_hold"})
    assert held.active_strategy().name == "buy_and_hold"
    assert held.active_strategy("mtum_confluence").name == "mtum_confluence"


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_that_nobody_sets_is_what_validating_nothing_would_make(name: str) -> None:
    problems: list[str] = []
    made = strategy_of(name, {}, "", {}, problems)
    assert made == (None if required_of(name) else strategy_from(name, {}))
    assert problems == []


def test_an_account_without_options_has_no_settings_of_options_in_its_documents() -> None:
    plain = config.Settings()
    limited = config.Settings(options=config.Options(level=3, max_contracts=2))
    assert not plain.trades_options
    assert "options" not in plain.document()
    assert limited.document() == plain.document()
    assert limited.digest() == plain.digest()


def test_the_gate_of_options_gets_its_limits_in_dollars_from_the_equity_of_sleeve_and_account() -> None:
    options = config.Options(level=3, sleeve_loss_frac=0.25, account_loss_frac=0.1, max_margin_frac=0.5)
    paper = config.Settings(mode="paper", options=options)
    rules = config.option_rules(paper, "DU1", Decimal(20_000), Decimal(100_000))
    assert [rules.strategy_loss_usd, rules.account_loss_usd, rules.max_margin_usd] == [5_000, 10_000, 50_000]
    assert (rules.account, rules.level, rules.paper) == ("DU1", 3, True)
    # A simulated account has every permission; one with no money left may lose nothing.
    practice = config.option_rules(config.Settings(options=config.Options()), "", Decimal(-5), Decimal(0))
    assert [practice.level, practice.paper, practice.strategy_loss_usd] == [4, None, 0]
