"""Chains of options: one that the model quotes, with holes and wide markets in it, and recorded ones."""

import csv
import os
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import exp
from pathlib import Path
from random import Random

import numpy as np
import pytest

from mtum.core.market.instruments import Right
from mtum.core.options import european, surface
from mtum.core.options.chain import Chain, Quote, ReadChain, Reading, Row
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Terms

DAY, AT = date(2026, 7, 10), datetime(2026, 7, 10, 19, 40, tzinfo=UTC)
RATE = 0.043


def model_chain(underlying: str, spot: float, volatility: float, days: Iterable[int], seed: int = 0) -> Chain:
    """A market whose middles are the model's; of ten contracts one is odd, drawn by the seed."""
    draw = Random(seed)
    known = surface.class_of(underlying)
    spread = known.spread or (-2.0, 0.4, 0.1)
    step = 1.0 if spot < 100 else 10.0
    strikes = np.arange(round(0.7 * spot / step) * step, 1.3 * spot, step)
    rows: list[Row] = []
    for one in days:
        years, expiry = one / surface.DAYS_PER_YEAR, DAY + timedelta(one)
        forward = spot * exp(0.03 * years)
        at_forward = float(surface.level(volatility, one, known.term_power))
        ratio = surface.curve(surface.moneyness(forward, strikes, years, at_forward), known.rho, known.eta)
        for right in Right:
            terms = Terms(right is Right.CALL, strikes, years)
            mids = european.price(terms, forward, at_forward * ratio, exp(-RATE * years))
            halves = surface.half_spread(mids, one, spread, 0.01, 1.0)
            for strike, mid, half in zip(strikes, mids, halves, strict=True):
                bid, ask = round(float(mid - half), 2), round(float(mid + half), 2)
                interest: int | None = int(10 ** draw.uniform(0, 4))
                match draw.randrange(40):
                    case 0:
                        bid = 0.0
                    case 1:
                        bid, ask = round(0.9 * bid, 2), round(1.1 * ask, 2)
                    case 2:
                        bid, ask = round(0.7 * bid, 2), round(1.3 * ask, 2)
                    case 3:
                        interest = None
                    case _:
                        pass
                weekly = underlying == "VIX" and draw.random() < 0.5
                named = OptionContract(
                    len(rows) + 1,
                    underlying,
                    right,
                    Decimal(str(float(strike))),
                    expiry,
                    expiry,
                    "VIXW" if weekly else underlying,
                )
                rows.append(Row(named, Quote(bid or None, ask, AT), interest))
    return Chain(underlying, DAY, spot, AT, RATE, tuple(rows))


type Hand = tuple[str, float, int, float, float, float | None, int | None]


def by_hand(*given: Hand, spot: float = 100.0, underlying: str = "SPY", trading_class: str = "") -> ReadChain:
    """A read chain of rows (right, strike, days, bid, ask, delta, open interest), numbered from 1."""
    rows, readings = [], {}
    for number, (right, strike, days, bid, ask, delta, interest) in enumerate(given, 1):
        expiry = DAY + timedelta(days)
        named = OptionContract(
            number, underlying, Right(right), Decimal(str(strike)), expiry, expiry, trading_class or underlying
        )
        rows.append(Row(named, Quote(bid, ask, AT), interest))
        mid = rows[-1].quote.mid
        if mid is not None:
            readings[number] = Reading(rows[-1], days, mid, None if delta is None else 0.2, delta)
    chain = Chain(underlying, DAY, spot, AT, RATE, tuple(rows))
    without = {row.contract.con_id: "no bid" for row in rows if row.contract.con_id not in readings}
    return ReadChain(chain, {}, readings, without)


def recorded(name: str, underlying: str, snapshot: str, session: date | None = None) -> Chain:
    """A chain of a CSV file in the folder of real bars; skips the test where there is none.

    Parameters
    ----------
    snapshot : str
        How the instant begins at which it was read.
    session : date or None
        Of its quotes; None if it was read on that day.
    """
    path = Path(os.environ.get("MTUM_REAL_BARS") or "nowhere") / "options" / name
    if not path.is_file():
        pytest.skip("MTUM_REAL_BARS names no folder of real chains")
    rows, spot = [], 0.0
    with path.open(encoding="utf-8", newline="") as lines:
        for number, line in enumerate(csv.DictReader(lines), 1):
            if line["underlying"] == underlying and line["snapshot_at"].startswith(snapshot):
                right, expiry = Right(line["side"][0].upper()), date.fromisoformat(line["expiration"])
                named = OptionContract(number, underlying, right, Decimal(line["strike"]), expiry, expiry, underlying)
                spot = float(line["underlying_price"])
                bid, ask = (float(line[side]) if line[side] else None for side in ("bid", "ask"))
                interest = int(float(line["open_interest"])) if line["open_interest"] else None
                rows.append(Row(named, Quote(bid, ask, AT), interest))
    return Chain(underlying, session or date.fromisoformat(snapshot), spot, AT, RATE, tuple(rows))
