"""An account of sleeves decides, orders and is worth the same by the daily job and by the session path."""

import os
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.config import Settings
from mtum.core.strategies import STRATEGIES
from support.account_parity import differences, fast_differences, packaged, portfolio
from support.markets import real_bars

SLEEVES: dict[str, dict[str, Any]] = {
    "trend": {"strategy": "trend_following", "weight": 0.3, "rules": {"symbols": ["SP500", "NDQ"]}},
    "dips": {"strategy": "mean_reversion", "weight": 0.3, "rules": {"symbols": ["SP500", "NDQ"], "max_positions": 2}},
    "burst": {"strategy": "donchian_breakout", "weight": 0.2, "rules": {"symbols": ["SP500", "NDQ"], "max_units": 2}},
    "even": {"strategy": "volatility_target", "weight": 0.2, "rules": {"symbol": "SP500"}},
}


def in_thin_auctions() -> Settings:
    """Of a third of the auction that the packaged portfolio has, most exits take several sessions."""
    return packaged(portfolio__auction_volume_frac=1.2e-8)


def with_limits() -> Settings:
    """Every limit of the account, and money that follows what a sleeve's volatility says."""
    return portfolio(
        SLEEVES,
        market__sample="multi",
        portfolio__sleeve_rebalance="month",
        portfolio__weighting="inverse_volatility",
        portfolio__sleeve_band_frac=0.0,
        risk__correlation_penalty=0.3,
        risk__max_symbol_frac=0.5,
        risk__max_var_frac=0.02,
        risk__account_daily_loss_usd=600.0,
        risk__account_drawdown_frac=0.06,
    )


def with_fund() -> Settings:
    """Idle cash is kept in bills."""
    return portfolio(
        SLEEVES, market__sample="multi", portfolio__cash_symbol="BILL", portfolio__sleeve_rebalance="month"
    )


def with_states() -> Settings:
    """One sleeve on virtual money, one that may only reduce, one that is off and one that is closed."""
    states = {"dips": "watch", "burst": "reduce_only", "even": "off", "trend": "on"}
    sleeves = {name: {**own, "state": states[name]} for name, own in SLEEVES.items()}
    sleeves["over"] = {
        "strategy": "buy_and_hold",
        "weight": 0.1,
        "state": "close",
        "rules": {"symbols": ["NDQ"]},
    }
    return portfolio({**sleeves, "trend": {**sleeves["trend"], "weight": 0.2}}, market__sample="multi")


def on_stocks() -> Settings:
    """A ranking, breakouts and bands on shares that pay dividends."""
    names = ["AAPL", "IBM", "MSFT", "GOOG", "FB"]
    return portfolio(
        {
            "rank": {
                "strategy": "momentum_rotation",
                "weight": 0.5,
                "rules": {"symbols": names, "top": 2, "exit_rank": 3, "trend_symbol": "SP500"},
            },
            "burst": {"strategy": "donchian_breakout", "weight": 0.2, "rules": {"symbols": names[:3]}},
            "band": {"strategy": "band_rebalance", "weight": 0.3, "rules": {"weights": dict.fromkeys(names[:3], 0.3)}},
        },
        market__sample="stocks",
        portfolio__sleeve_rebalance="quarter",
    )


def with_every_strategy() -> Settings:
    """Every strategy of shares once, in one account of a million."""
    other: dict[str, dict[str, Any]] = {"tsmom": {"symbols": ["SP500", "NDQ", "UST10"]}}
    other["multi_asset_allocation"] = {"weights": dict.fromkeys(("SP500", "NDQ", "UST10"), 0.3)}
    sleeves = {
        name: {"strategy": name, "weight": 0.05, "rules": other.get(name, dict(kind.EXAMPLE.settings))}
        for name, kind in STRATEGIES.items()
        if not kind.OPTIONS
    }
    return portfolio(
        sleeves,
        market__sample="stocks",
        portfolio__capital_usd=1_000_000.0,
        portfolio__sleeve_rebalance="month",
        portfolio__weighting="sharpe",
    )


def same(settings: Settings, sessions: int, before_end: int) -> dict[str, int]:
    lines, daily = differences(settings, sessions, before_end)
    assert lines == []
    return {
        "orders": sum(map(len, daily.orders.values())),
        "crossed": sum(row["crossed"] > 0 for rows in daily.orders.values() for row in rows),
        "cuts": sum(map(len, daily.cuts.values())),
        "held back": sum(map(len, daily.held_back.values())),
        "moved": sum(any(row["usd"] for row in rows) for rows in daily.transfers.values()),
    }


def test_an_account_with_limits_is_the_same_by_the_daily_job_and_by_the_session_path() -> None:
    """Sixteen sessions with cuts and a month end."""
    found = same(with_limits(), 16, 205)
    assert found["orders"]
    assert found["cuts"]
    assert found["moved"]


def test_bonds_without_a_price_and_a_thin_auction_are_the_same_by_both_paths() -> None:
    """October 2018 with Columbus Day, when nobody publishes yields, and exits that the auction fills in part."""
    assert same(in_thin_auctions(), 16, 70)["orders"]


@pytest.mark.full
def test_a_year_of_the_packaged_portfolio_with_a_thin_auction_is_the_same() -> None:
    assert same(in_thin_auctions(), 250, 260)["orders"] > 50


@pytest.mark.full
def test_a_year_of_the_packaged_portfolio_is_the_same() -> None:
    found = same(packaged(), 250, 260)
    assert found["orders"] > 50
    assert found["crossed"]
    assert found["moved"]


@pytest.mark.full
def test_a_year_under_every_limit_is_the_same() -> None:
    found = same(with_limits(), 250, 260)
    assert found["cuts"] > 100
    assert found["held back"] > 100
    assert found["moved"] > 6


@pytest.mark.full
def test_half_a_year_with_a_cash_fund_is_the_same() -> None:
    """Before September 2017 proceeds settle two days later: what crosses settles at once."""
    found = same(with_fund(), 120, 200)
    assert found["crossed"]
    assert found["cuts"]


@pytest.mark.full
def test_half_a_year_with_sleeves_in_every_state_is_the_same() -> None:
    assert same(with_states(), 120, 200)["orders"]


@pytest.mark.full
def test_every_strategy_of_shares_in_one_account_is_the_same() -> None:
    found = same(with_every_strategy(), 120, 200)
    assert found["orders"] > 100
    assert found["crossed"] > 20


@pytest.mark.full
def test_shares_that_pay_dividends_are_the_same() -> None:
    assert same(on_stocks(), 150, 200)["orders"]


@pytest.mark.full
def test_five_years_up_to_2019_of_three_funds_are_the_same() -> None:
    """SPY, IEF and GLD pay every month or quarter, or nothing; none of them split; sales settle sooner from 2017 on."""
    for symbol in ("SPY", "IEF", "GLD"):
        real_bars(symbol)
    folder = os.environ["MTUM_REAL_BARS"]
    weights = {"SPY": 0.3, "IEF": 0.3, "GLD": 0.3}
    account = portfolio(
        {
            "trend": {"strategy": "trend_following", "weight": 0.4, "rules": {"symbols": [*weights]}},
            "spread": {"strategy": "multi_asset_allocation", "weight": 0.3, "rules": {"weights": weights}},
            "band": {
                "strategy": "band_rebalance",
                "weight": 0.3,
                "rules": {"weights": weights, "band_mode": "absolute", "band": 0.01},
            },
        },
        market__source="csv",
        market__csv_dir=folder,
        portfolio__sleeve_rebalance="month",
        portfolio__sleeve_band_frac=0.01,
    )
    found = same(account, 1260, 2400)
    assert found["orders"] > 200
    assert found["crossed"] > 10
    assert found["moved"] > 10


REAL = {
    "SP500": "SPY", "NDQ": "QQQ", "BILL": "BIL", "UST2": "SHY", "UST10": "IEF", "UST30": "TLT",
    "AAPL": "JPM", "IBM": "JNJ", "MSFT": "MSFT", "GOOG": "XOM", "FB": "META",
}  # fmt: skip
"""Symbols of the embedded markets, and those of real bars that stand for them: none split from June 2019 on."""
FIVE_YEARS = 1_262


def as_real(rules: Any) -> Any:
    """Rules about the embedded markets, about real bars instead."""
    if isinstance(rules, dict):
        return {as_real(name): as_real(value) for name, value in rules.items()}
    if isinstance(rules, list | tuple):
        return type(rules)(as_real(one) for one in rules)
    return REAL.get(rules, rules) if isinstance(rules, str) else rules


def packaged_on_real_bars(folder: str) -> Settings:
    moved = {
        f"sleeve__{name}__rules__{field.name}": real
        for name, own in packaged().sleeve.items()
        for field in fields(own.rules)
        if (real := as_real(value := getattr(own.rules, field.name))) != value
    }
    return packaged(market__source="csv", market__csv_dir=folder, **moved)


def rotation_on_real_bars(folder: str) -> Settings:
    """A ranking of ten shares, breakouts and bands on some of them."""
    names = ["MSFT", "JPM", "JNJ", "XOM", "PG", "UNH", "BAC", "KO", "META", "V"]
    return portfolio(
        {
            "rank": {
                "strategy": "momentum_rotation",
                "weight": 0.5,
                "rules": {"symbols": names, "top": 3, "exit_rank": 5, "trend_symbol": "SPY"},
            },
            "burst": {"strategy": "donchian_breakout", "weight": 0.2, "rules": {"symbols": names[:5]}},
            "band": {"strategy": "band_rebalance", "weight": 0.3, "rules": {"weights": dict.fromkeys(names[:4], 0.2)}},
        },
        market__source="csv",
        market__csv_dir=folder,
        portfolio__sleeve_rebalance="quarter",
        risk__max_symbol_frac=0.25,
    )


def every_strategy_on_real_bars(folder: str) -> Settings:
    """Every strategy of shares once, in one account of a million."""
    sleeves = {
        name: {"strategy": name, "weight": 0.05, "rules": as_real(dict(kind.EXAMPLE.settings))}
        for name, kind in STRATEGIES.items()
        if not kind.OPTIONS
    }
    return portfolio(
        sleeves,
        market__source="csv",
        market__csv_dir=folder,
        portfolio__capital_usd=1_000_000.0,
        portfolio__sleeve_rebalance="month",
        portfolio__weighting="sharpe",
        risk__max_symbol_frac=0.25,
    )


REAL_ACCOUNTS = {
    "packaged": (packaged_on_real_bars, {"orders": 200, "crossed": 20, "cuts": 20, "moved": 20}),
    "rotation": (rotation_on_real_bars, {"orders": 250, "cuts": 50, "held back": 40, "moved": 1}),
    "every strategy": (every_strategy_on_real_bars, {"orders": 1_000, "crossed": 100, "cuts": 100, "moved": 20}),
}
"""Accounts of real bars, and how much of everything there is at least."""


@pytest.fixture
def real_folder(tmp_path: Path) -> str:
    """Real bars from 2016 on, all in one folder: what is before is read again each session, and never looked at."""
    real_bars("SPY")
    for folder in (Path(os.environ["MTUM_REAL_BARS"]), Path(os.environ["MTUM_REAL_BARS"], "more")):
        for path in folder.glob("*.csv"):
            header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
            recent = "".join([header, *(row for row in rows if row >= "2016")])
            (tmp_path / path.name).write_text(recent, encoding="utf-8")
    return str(tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("name", REAL_ACCOUNTS)
def test_five_years_of_real_bars_are_the_same(
    name: str, real_folder: str, record_property: Callable[[str, object], None]
) -> None:
    """June 2019 to June 2024: dividends, the fall of 2020, and sales that settle a day sooner from May 2024 on."""
    account, least = REAL_ACCOUNTS[name]
    found = same(account(real_folder), FIVE_YEARS, FIVE_YEARS + 2)
    for what, count in found.items():
        record_property(what, count)
    assert {what: found[what] for what in least if found[what] < least[what]} == {}


@pytest.mark.full
@pytest.mark.parametrize("name", REAL_ACCOUNTS)
def test_each_sleeve_alone_is_the_same_by_its_fast_path_over_five_years(name: str, real_folder: str) -> None:
    account, _ = REAL_ACCOUNTS[name]
    assert list(fast_differences(account(real_folder), date(2019, 6, 21), date(2024, 6, 28))) == []
