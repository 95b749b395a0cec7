"""Each strategy of options does what a plain reading of its rules does, over drawn days, books and parameters."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Dividends
from mtum.core.options.asking import OptionGroup, OptionVerdict, OwnOptions
from mtum.core.options.chain import ReadChain, read
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.strategies.enhanced_wheel import EnhancedWheel
from mtum.core.strategies.iron_condor import IronCondor
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.strategies.option_rules import iv_rank_of
from mtum.core.strategies.vertical_spread import VerticalSpread
from mtum.core.strategies.vix_hedge import VixHedge
from mtum.core.strategies.wheel import Wheel
from mtum.core.view import MarketView
from support.option_chains import DAY, model_chain
from support.plain import option_strategies as plain
from support.plain.options import Line, middle

SPOT, SESSIONS = 750.0, 600
DAYS = (4, 7, 14, 20, 31, 38, 45, 52, 59, 98)


@cache
def chain_of(underlying: str, seed: int) -> ReadChain:
    spot, volatility = {"SPY": (SPOT, 0.16), "VIX": (18.0, 0.9)}[underlying]
    return read(model_chain(underlying, spot, volatility, DAYS, seed))


@cache
def lines_of(underlying: str, seed: int) -> tuple[Line, ...]:
    found, lines = chain_of(underlying, seed), []
    for row in found.chain.rows:
        one, known = row.contract, found.readings.get(row.contract.con_id)
        bid, ask = (row.quote.bid, row.quote.ask) if known else (None, None)
        lines.append(
            Line(
                one.con_id,
                one.right.value == "C",
                float(one.strike),
                one.expiry,
                (one.expiry - DAY).days,
                one.trading_class,
                bid,
                ask,
                row.open_interest,
                known.delta if known else None,
            )
        )
    return tuple(lines)


@cache
def sessions() -> tuple[date, ...]:
    found = [DAY - timedelta(n) for n in range(2 * SESSIONS) if (DAY - timedelta(n)).weekday() < 5]
    return tuple(sorted(found[:SESSIONS]))


def bars_of(draw: Random) -> Bars:
    """A walk that ends at the spot, rising, falling or neither."""
    drift, swing = draw.choice((-0.0012, 0.0, 0.0012)), draw.choice((0.004, 0.012))
    ends = draw.choice((-0.01, 0.0, 0.0, 0.01, 0.01))
    moves = [NormalDist(drift, swing).inv_cdf(draw.uniform(0.001, 0.999)) for _ in range(SESSIONS - 2)] + [ends]
    close = SPOT * np.exp(np.r_[0.0, np.cumsum(moves)] - sum(moves))
    close = np.round(close, 2)
    high, low = np.round(close * (1 + swing / 2), 2), np.round(close * (1 - swing / 2), 2)
    columns = {"open": close, "high": high, "low": low, "close": close, "volume": np.ones(SESSIONS)}
    columns |= {"dividend": np.zeros(SESSIONS)}
    return Bars.from_columns("SPY", "made-up", np.array(sessions(), dtype="datetime64[D]"), columns)


def view_of(draw: Random) -> MarketView:
    level = [round(draw.uniform(11, 40), 2) for _ in range(draw.choice((251, 251, 251, 200)))]
    earlier = dict(zip(sessions()[-len(level) - 1 : -1], level, strict=True))
    now = draw.choice((None, *(round(draw.uniform(8, 60), 2) for _ in range(9))))
    return MarketView(
        DAY,
        {"SPY": bars_of(draw)},
        {"VIX": now},
        {},
        calendar=sessions(),
        dividends={"SPY": Dividends.NONE},
        series_history={"VIX": earlier},
    )


def lot_of(group: str, contract: OptionContract, count: int, premium: float) -> OptionLot:
    return OptionLot(
        "U1", "s", group, contract, count, Decimal(str(premium)), Decimal(0), f"m-{group}", DAY - timedelta(9)
    )


def groups_of(draw: Random, underlying: str, seed: int, kind: str) -> list[plain.Group]:
    lines = lines_of(underlying, seed)
    found = []
    for number in range(draw.choice((0, 0, 1, 2, 3))):
        units = draw.choice((1, 1, 2, 5))
        call = draw.random() < 0.5
        expiry = draw.choice(sorted({line.expiry for line in lines}))
        here = [line for line in lines if line.expiry == expiry and abs(line.strike / SPOT - 1) < 0.08]
        here = here or [line for line in lines if line.expiry == expiry]
        side = sorted((line for line in here if line.call is call), key=lambda line: line.strike)
        worth = {line.number: middle(line) for line in here}

        def paid(line: Line, times: tuple[float, ...], worth: Mapping[int, float] = worth) -> float:
            return max(0.05, round(worth[line.number] * draw.choice(times), 2))

        if kind == "single":
            line = draw.choice(side)
            premium = paid(line, (0.2, 0.4, 1.0, 1.9, 2.1, 6.0, 15.0))
            found.append(plain.Group(f"g{number}", underlying, [plain.Leg(line, -units, premium)], draw.random() < 0.1))
        elif kind == "long":
            line = draw.choice([one for one in side if one.call] or [one for one in here if one.call])
            found.append(plain.Group(f"g{number}", underlying, [plain.Leg(line, units, 1.0)]))
        elif kind == "vertical":
            one, other = sorted(draw.sample(range(len(side)), 2))
            legs = [(side[one], -units), (side[other], units)] if call else [(side[one], units), (side[other], -units)]
            if draw.random() < 0.3:
                legs = [(line, -count) for line, count in legs]
            found.append(plain.Group(f"g{number}", underlying, _priced(legs, paid)))
        else:
            puts, calls = (
                sorted((line for line in here if line.call is right), key=lambda line: line.strike)
                for right in (False, True)
            )
            low, sold = sorted(draw.sample(range(len(puts)), 2))
            short, high = sorted(draw.sample(range(len(calls)), 2))
            legs = [(puts[sold], -units), (puts[low], units), (calls[short], -units), (calls[high], units)]
            found.append(plain.Group(f"g{number}", underlying, _priced(legs, paid)))
    return [group for group in found if kind in {"single", "long"} or plain.net_of(group) != 0]


def _priced(legs: Sequence[tuple[Line, int]], paid: Callable[..., float]) -> list[plain.Leg]:
    # The credit or debit as a multiple of today's, with the same multiple in every leg.
    return [plain.Leg(line, count, paid(line, (1.0, 1.0, 1.5, 2.5))) for line, count in legs]


def numbers_of(view: MarketView, strategy: OptionStrategy) -> dict[str, float | None]:
    found = {spec.name: view.newest("SPY", spec) for spec in strategy.indicators()}
    return {**found, "adx": found.get("trend_strength"), "rank": iv_rank_of(view, "SPY")}


def played(seed: int, strategy: OptionStrategy, kind: str, underlying: str = "SPY") -> tuple[Any, ...]:
    draw = Random(seed)
    at = seed % 3
    found, view = chain_of(underlying, at), view_of(draw)
    contracts = {row.contract.con_id: row.contract for row in found.chain.rows}
    groups = groups_of(draw, underlying, at, kind)
    own = OwnOptions(
        tuple(
            OptionGroup(
                one.name,
                one.symbol,
                tuple(lot_of(one.name, contracts[leg.line.number], leg.held, leg.premium) for leg in one.legs),
                DAY - timedelta(9),
                one.broken,
            )
            for one in groups
        ),
        equity=Decimal(draw.choice((50_000, 100_000, 400_000, 2_000_000))),
        free_cash=Decimal(draw.choice((0, 20_000, 76_000, 400_000))),
        shares={"SPY": draw.choice((0, 0, 100, 250, 1000))},
        lot_prices={"SPY": Decimal(draw.choice(("700", "760.5", "790")))},
        last_opened={} if draw.random() < 0.4 else {"SPY": sessions()[-draw.choice((2, 4, 6, 9))]},
        premium_of_year=Decimal(draw.choice((0, 1000, 4000))),
        account_equity=Decimal(draw.choice((200_000, 1_000_000))),
        ex_dates={} if draw.random() < 0.5 else {"SPY": draw.choice((0, 2, 3))},
    )
    bars, numbers = view.bars["SPY"], numbers_of(view, strategy)
    widths: list[float] = []
    if isinstance(strategy, EnhancedWheel):
        spec = next(one for one in strategy.indicators() if one.name == "band_width")
        widths = [view.newest("SPY", spec, ago) or 0.0 for ago in reversed(range(126))]
    last = own.last_opened.get("SPY")
    day = plain.Day(
        DAY, lines_of(underlying, at), float(bars.close[-1]), float(bars.close[-2]), float(own.equity),
        float(own.free_cash), own.shares["SPY"], float(own.lot_prices["SPY"]), groups, numbers, widths,
        None if last is None else sum(one > last for one in sessions()), own.ex_dates.get("SPY"),
        float(own.account_equity or 0), float(own.premium_of_year), view.series["VIX"],
    )  # fmt: skip
    return view, own, {underlying: found}, day


def acts_of(verdicts: Sequence[OptionVerdict]) -> list[plain.Act]:
    found = []
    for verdict in verdicts:
        if (one := verdict.proposal) is not None:
            assert one.quantity >= 1
            worst = None if one.envelope.worst is None else float(one.envelope.worst)
            legs = {leg.contract.con_id: leg.signed for leg in one.legs}
            found.append(plain.Act(one.purpose.value, one.group, legs, one.quantity, worst))
    return found


def same(ours: Sequence[plain.Act], theirs: Sequence[plain.Act]) -> bool:
    def key(one: plain.Act) -> tuple[Any, ...]:
        worst = None if one.worst is None else round(one.worst, 5)
        return (one.purpose, one.group, tuple(sorted(one.legs.items())), one.units, worst)

    return sorted(map(key, ours), key=str) == sorted(map(key, theirs), key=str)


def a_wheel(draw: Random) -> tuple[OptionStrategy, dict[str, Any]]:
    known: dict[str, Any] = {
        "put_delta": draw.choice((0.2, 0.3, 0.5)),
        "call_delta": draw.choice((0.2, 0.3)),
        "min_open_interest": draw.choice((0, 10, 500)),
        "min_credit": draw.choice((0.05, 1.0)),
        "max_new_frac": draw.choice((0.05, 0.5)),
        "write_on": draw.choice(("red_green", "any")),
        "write_threshold": draw.choice((0.0, 0.0, 0.02)),
        "roll_dte": draw.choice((15, 21)),
        "roll_pnl": draw.choice((0.6, 0.9)),
        "min_pnl": draw.choice((0.0, -2.0, 0.3)),
        "roll_itm_puts": draw.random() < 0.4,
        "roll_itm_calls": draw.random() < 0.6,
        "credit_only": draw.random() < 0.7,
        "cap_factor": draw.choice((0.5, 1.0)),
        "excess_only": draw.random() < 0.2,
        "close_at_pnl": draw.choice((0.0, 0.0, 0.5)),
        "strike_limit": draw.choice((0.0, 0.0, 740.0)),
    }
    weight = draw.choice((0.4, 1.0))
    strategy = Wheel(symbols={"SPY": weight}, **known)
    return strategy, {**known, "weight": weight, "window": (45, 180), "near": 45, "gates": False}


def an_enhanced_wheel(draw: Random) -> tuple[OptionStrategy, dict[str, Any]]:
    _, known = a_wheel(draw)
    own: dict[str, Any] = {
        "take": draw.choice((0.4, 0.5)),
        "exit_dte": 21,
        "stop_multiple": draw.choice((0.0, 3.0)),
        "blackout": draw.choice(((), (), (DAY + timedelta(25),), (DAY + timedelta(70),))),
    }
    shared = {name: one for name, one in known.items() if name not in ("weight", "window", "near", "gates")}
    strategy = EnhancedWheel(symbols={"SPY": known["weight"]}, **shared, **own)
    return strategy, {**known, **own, "window": (30, 60), "gates": True}


def a_condor(draw: Random) -> tuple[OptionStrategy, dict[str, Any]]:
    known: dict[str, Any] = {
        "iv_rank_min": draw.choice((0.1, 0.3)),
        "adx_max": draw.choice((25.0, 90.0)),
        "min_credit_frac": draw.choice((0.05, 0.20)),
        "max_loss_frac": draw.choice((0.02, 0.05)),
        "total_loss_frac": draw.choice((0.10, 0.5)),
        "take": 0.5,
        "stop_multiple": draw.choice((1.5, 2.0)),
        "exit_dte": 21,
        "spacing_sessions": 5,
        "max_open": draw.choice((1, 3)),
    }
    return IronCondor(symbols=("SPY",), **known), known


def a_vertical(draw: Random) -> tuple[OptionStrategy, dict[str, Any]]:
    known: dict[str, Any] = {
        "iv_rank_min": draw.choice((0.1, 0.3, 0.8)),
        "allow_debit": draw.random() < 0.6,
        "min_credit_frac": draw.choice((0.10, 0.25)),
        "max_loss_frac": draw.choice((0.02, 0.05)),
        "total_loss_frac": draw.choice((0.10, 0.5)),
        "take": 0.5,
        "stop_multiple": 2.0,
        "exit_dte": 21,
    }
    return VerticalSpread(symbols=("SPY",), **known), known


def a_hedge(draw: Random) -> tuple[OptionStrategy, dict[str, Any]]:
    known: dict[str, Any] = {
        "delta": draw.choice((0.2, 0.3)),
        "ignore_dte": draw.choice((0, 10)),
        "close_above": draw.choice((30.0, 50.0)),
        "annual_premium_frac": draw.choice((0.005, 0.02)),
        "buckets": draw.choice((VixHedge().buckets, ((0.0, 0.01), (20.0, 0.0)))),
    }
    return VixHedge(symbol="SPY", **known), known


MADE = [
    (a_wheel, plain.wheel, "single", "SPY"),
    (an_enhanced_wheel, plain.wheel, "single", "SPY"),
    (a_condor, plain.condor, "condor", "SPY"),
    (a_vertical, plain.vertical, "vertical", "SPY"),
    (a_hedge, plain.hedge, "long", "VIX"),
]


def differences(case: int, seeds: range) -> tuple[list[str], Counter[str]]:
    make, rules, kind, underlying = MADE[case]
    wrong, acted = [], Counter[str]()
    for seed in seeds:
        strategy, known = make(Random(seed * 7 + case))
        assert strategy.problems() == ()
        view, own, chains, day = played(seed, strategy, kind, underlying)
        verdicts = strategy.option_verdicts(view, own, chains)
        ours, theirs = acts_of(verdicts), rules(day, known)
        acted.update(one.purpose for one in theirs)
        if not same(ours, theirs):
            wrong.append(f"seed {seed}: ours {ours}, plainly {theirs}, {known}")
        for verdict in verdicts:
            assert {one.name for one in verdict.conditions} <= {spec.name for spec in strategy.CONDITIONS}
            assert set(verdict.reasons) <= set(strategy.REASONS), verdict.reasons
    return wrong, acted


@pytest.mark.parametrize("case", range(len(MADE)), ids=[one[0].__name__ for one in MADE])
def test_a_strategy_does_what_its_rules_plainly_say(case: int) -> None:
    wrong, acted = differences(case, range(60))
    assert wrong == []
    assert acted["open"] >= 2
    assert acted["close"] >= 2


@pytest.mark.full
@pytest.mark.parametrize("case", range(len(MADE)), ids=[one[0].__name__ for one in MADE])
def test_a_strategy_does_what_its_rules_plainly_say_over_many_days(case: int) -> None:
    wrong, acted = differences(case, range(1000, 2000))
    assert wrong == []
    assert acted["open"] >= 20
