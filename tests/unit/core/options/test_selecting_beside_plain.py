"""Every structure chosen is the one that a plain search finds, over hundreds of drawn parameters."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from random import Random

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options.chain import ReadChain, WidthRule, read
from mtum.core.options.selecting import Selection, Window
from mtum.core.options.singles import (
    HeldShort,
    ShortRules,
    hedge_call,
    rolled_call,
    rolled_put,
    short_call,
    short_put,
)
from mtum.core.options.spreads import CondorRules, VerticalRules, credit_vertical, debit_vertical, iron_condor
from support.option_chains import DAY, model_chain, recorded
from support.plain import options as plain
from support.plain.options import Line

type Case = tuple[Selection, Sequence[Line | None] | None]
CLOSING_CHAINS = "chains_SPY_QQQ_IWM_close_2026-07-10.csv"
NO_LIMIT = 100_000


@cache
def modelled(underlying: str) -> ReadChain:
    spot, volatility = {"SPY": (750.0, 0.16), "VIX": (18.0, 0.9)}[underlying]
    return read(model_chain(underlying, spot, volatility, (7, 31, 38, 45, 52, 59, 98), seed=7))


@cache
def closing(underlying: str) -> ReadChain:
    return read(recorded(CLOSING_CHAINS, underlying, "2026-07-12", DAY))


def lines_of(found: ReadChain) -> list[Line]:
    lines = []
    for row in found.chain.rows:
        one, known = row.contract, found.readings.get(row.contract.con_id)
        quote = row.quote if known else None
        lines.append(
            Line(
                one.con_id,
                one.right is Right.CALL,
                float(one.strike),
                one.expiry,
                (one.expiry - found.chain.session).days,
                one.trading_class,
                quote.bid if quote else None,
                quote.ask if quote else None,
                row.open_interest,
                known.delta if known else None,
            )
        )
    return lines


def a_window(draw: Random) -> Window:
    first = draw.choice((0, 14, 30, 45))
    return Window(first, first + draw.choice((0, 15, 30, 150)), first + draw.choice((0, 0, 15)))


def short_rules(draw: Random) -> tuple[ShortRules, Callable[[bool], plain.Wants]]:
    rules = ShortRules(
        a_window(draw),
        round(draw.uniform(0.05, 0.7), 2),
        round(draw.uniform(0.05, 0.7), 2),
        draw.choice((0, 10, 100, 1000)),
        draw.choice((0.0, 0.05, 1.0, 5.0)),
        draw.random() < 0.7,
        tuple(DAY + timedelta(draw.randrange(120)) for _ in range(draw.choice((0, 0, 1)))),
        WidthRule(draw.choice((0.05, 0.10, 0.25))),
    )

    def wants(call: bool) -> plain.Wants:
        return plain.Wants(
            rules.window.first,
            rules.window.last,
            rules.window.sought,
            rules.call_delta if call else rules.put_delta,
            rules.min_open_interest,
            rules.min_credit,
            rules.width.most_frac,
            rules.blackout,
        )

    return rules, wants


def a_put(found: ReadChain, lines: list[Line], draw: Random) -> Case:
    rules, wants = short_rules(draw)
    limit = draw.choice((None, round(found.chain.spot * draw.uniform(0.8, 1.1), 2)))
    return short_put(found, rules, limit), [plain.put(lines, DAY, wants(False), limit)]


def a_call(found: ReadChain, lines: list[Line], draw: Random) -> Case:
    rules, wants = short_rules(draw)
    spot = found.chain.spot
    limit = draw.choice((None, round(spot * draw.uniform(0.9, 1.1), 2)))
    paid = round(spot * draw.uniform(0.8, 1.1), 2)
    return short_call(found, rules, paid, limit), [plain.call(lines, DAY, wants(True), spot, paid, limit)]


def a_roll(found: ReadChain, lines: list[Line], draw: Random) -> Case:
    rules, wants = short_rules(draw)
    spot = found.chain.spot
    old = draw.choice([line for line in lines if line.days < 60 and abs(line.strike / spot - 1) < 0.1 and line.bid])
    contract = found.readings[old.number].row.contract
    credit = round(plain.middle(old) * draw.uniform(0.5, 4.0), 2)
    limit = draw.choice((None, round(spot * draw.uniform(0.85, 1.1), 2)))
    paid = round(spot * draw.uniform(0.85, 1.05), 2)
    held = HeldShort(contract, credit)
    known = plain.Old(old, credit, rules.credit_only, paid, limit)
    new = plain.rolled(lines, DAY, wants(old.call), spot, known)
    chosen = (
        rolled_call(found, rules, held, paid, limit) if old.call else rolled_put(found, rules, held, strike_limit=limit)
    )
    return chosen, [old if new else None, new]


def a_condor(found: ReadChain, lines: list[Line], draw: Random) -> Case:
    used = frozenset(draw.sample(sorted({line.expiry for line in lines}), 3))
    window = a_window(draw)
    rules = CondorRules(
        window,
        draw.choice((0.16, 0.2, 0.3)),
        draw.choice((0.05, 0.1)),
        draw.choice((0.02, 0.05, 0.2)),
        draw.choice((0.1, 0.2, 0.3)),
        draw.choice((1, 100)),
        WidthRule(draw.choice((0.10, 0.25))),
    )
    wants = plain.Condor(
        window.first,
        window.last,
        window.sought,
        rules.short_delta,
        rules.wing_delta,
        rules.max_wing_frac,
        rules.min_credit_frac,
        rules.min_open_interest,
        rules.width.most_frac,
        tuple(used),
    )
    return iron_condor(found, rules, used), plain.condor(lines, found.chain.spot, wants)


def a_vertical(found: ReadChain, lines: list[Line], draw: Random) -> Case:
    window, bullish, debit = a_window(draw), draw.random() < 0.5, draw.random() < 0.4
    near, far = (draw.choice((0.5, 0.6)), draw.choice((0.2, 0.3))) if debit else (draw.choice((0.3, 0.4)), 0.15)
    part = draw.choice((0.4, 0.5, 0.6)) if debit else draw.choice((0.15, 0.2, 0.25))
    wants = plain.Vertical(window.first, window.last, window.sought, near, far, part, debit)
    if debit:
        rules = VerticalRules(window, debit_long_delta=near, debit_short_delta=far, max_debit_frac=part)
        return debit_vertical(found, rules, bullish), plain.vertical(lines, wants, bullish)
    rules = VerticalRules(window, near, far, part)
    return credit_vertical(found, rules, bullish), plain.vertical(lines, wants, bullish)


def a_hedge(found: ReadChain, lines: list[Line], draw: Random) -> Case:
    delta, days = round(draw.uniform(0.05, 0.6), 2), draw.choice((0, 30, 60, 90))
    return hedge_call(found, delta, days), [plain.hedge(lines, delta, days)]


CASES = (a_put, a_call, a_roll, a_condor, a_vertical)


def equal_over(found: ReadChain, cases: Sequence[Callable[[ReadChain, list[Line], Random], Case]], times: int) -> None:
    assert found.refused is None
    lines, chosen = lines_of(found), dict.fromkeys((case.__name__ for case in cases), 0)
    for seed in range(times):
        case = cases[seed % len(cases)]
        selection, expected = case(found, lines, Random(seed))
        numbers = [one.number for one in expected or [] if one is not None]
        ours = [leg.contract.con_id for leg in selection.chosen.legs] if selection.chosen else []
        assert ours == numbers, f"seed {seed}: {case.__name__}"
        chosen[case.__name__] += bool(numbers)
        named = {one.contract.con_id for one in selection.considered if one.removed_by is None}
        assert selection.refused or named <= set(ours)
        assert selection.chosen or selection.refused or selection.emptied_by
    assert all(10 * count * len(cases) > times for count in chosen.values()), chosen  # no case agrees on nothing alone


def test_a_plain_search_finds_the_same_contracts_in_the_models_market() -> None:
    equal_over(modelled("SPY"), CASES, 200)


def test_a_plain_search_finds_the_same_hedge() -> None:
    equal_over(modelled("VIX"), (a_hedge,), 50)


@pytest.mark.full
@pytest.mark.parametrize("underlying", ["SPY", "QQQ", "IWM"])
def test_a_plain_search_finds_the_same_contracts_in_real_chains(underlying: str) -> None:
    equal_over(closing(underlying), CASES, 200)
