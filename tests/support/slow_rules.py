"""The rules of `mtum_confluence` written down once more, slowly, in plain Python: the oracle of the fast path.

Nothing of the product's calculation is used; money is Decimal, averages are summed anew each session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise


@dataclass(frozen=True)
class Row:
    """One session's bar."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    dividend: float


@dataclass(frozen=True)
class SlowRules:
    """Everything that can be set."""

    ma: int = 50
    rsi: int = 14
    atr: int = 14
    volume: int = 20
    wilder_rsi: bool = False
    wilder_atr: bool = False
    vix_entry: float = 25.0
    vix_exit: float = 30.0
    rsi_entry: float = 50.0
    rsi_exit: float = 30.0
    multiple: float = 4.0
    cooldown: int = 0
    capital: str = "5000"
    cost: str = "0.001"
    buffer: str = "0"
    cap: str = "1000000000000"
    next_open: bool = False


@dataclass
class Account:
    """Cash and shares while playing."""

    cash: Decimal
    shares: int = 0
    entry_price: Decimal = Decimal(0)
    entry_atr: float = 0.0
    bought_at: int = -1
    sold_at: int = -(10**9)
    order: tuple[str, int, float, tuple[str, ...]] | None = None
    trades: list[list[object]] = field(default_factory=list)
    equity: list[Decimal] = field(default_factory=list)


def six(number: float | Fraction) -> float:
    return float(Fraction(round(Fraction(number) * 10**6), 10**6))


def mean(numbers: Sequence[float]) -> float:
    return float(sum(map(Fraction, numbers), Fraction(0)) / len(numbers))


def wilder(numbers: Sequence[float], n: int) -> list[float | None]:
    """Wilder's mean of the numbers seen so far."""
    found: list[float | None] = [None] * len(numbers)
    for t in range(n - 1, len(numbers)):
        before = found[t - 1] if t else None
        found[t] = mean(numbers[:n]) if t == n - 1 else ((n - 1) * (before or 0.0) + numbers[t]) / n
    return found


def plain(numbers: Sequence[float], n: int) -> list[float | None]:
    return [None if t < n - 1 else mean(numbers[t - n + 1 : t + 1]) for t in range(len(numbers))]


def indicators(rows: Sequence[Row], rules: SlowRules) -> list[dict[str, float | None]]:
    """MA, RSI, ATR and volume average per session, rounded to 1e-6."""
    closes = [row.close for row in rows]
    rises = [max(0.0, b - a) for a, b in pairwise(closes)]
    falls = [max(0.0, a - b) for a, b in pairwise(closes)]
    ranges = [
        max(row.high - row.low, abs(row.high - before.close), abs(row.low - before.close))
        for before, row in pairwise(rows)
    ]
    of_rsi, of_atr = (wilder if rules.wilder_rsi else plain), (wilder if rules.wilder_atr else plain)
    gain, loss = [None, *of_rsi(rises, rules.rsi)], [None, *of_rsi(falls, rules.rsi)]
    atr, ma = [None, *of_atr(ranges, rules.atr)], plain(closes, rules.ma)
    volume = plain([row.volume for row in rows], rules.volume)
    found = []
    for t in range(len(rows)):
        up, down = gain[t], loss[t]
        strength: float | None = None
        if up is not None and down is not None and up + down > 0:
            strength = 100.0 if down == 0 else 100.0 - 100.0 / (1.0 + up / down)
        values = {"ma": ma[t], "rsi": strength, "atr": atr[t], "volume": volume[t]}
        found.append({name: None if number is None else six(number) for name, number in values.items()})
    return found


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def play(rows: Sequence[Row], vix: Mapping[date, float], rules: SlowRules, first: int, stop: int) -> Account:
    """Play the sessions first <= t < stop."""
    known = indicators(rows, rules)
    account = Account(Decimal(rules.capital))
    for t in range(first, stop):
        row = rows[t]
        if account.shares and row.dividend:
            account.cash += cents(account.shares * Decimal(str(row.dividend)))
        if rules.next_open:
            fill(account, rows, rules, t)
        decide(account, row, known[t], vix.get(row.day), rules, t)
        if not rules.next_open:
            fill(account, rows, rules, t)
        account.equity.append(account.cash + account.shares * Decimal(str(row.close)))
    return account


def decide(
    account: Account, row: Row, now: Mapping[str, float | None], vix: float | None, rules: SlowRules, t: int
) -> None:
    ma, rsi, atr, volume = now["ma"], now["rsi"], now["atr"], now["volume"]
    assert ma is not None
    assert atr is not None
    assert volume is not None
    close = six(row.close)
    if account.shares:
        goal = six(float(account.entry_price) + rules.multiple * account.entry_atr)
        tests = {
            "close_below_ma": close < ma,
            "vix_fear": vix is not None and vix > rules.vix_exit,
            "rsi_low": rsi is not None and rsi < rules.rsi_exit,
            "atr_target": close >= goal,
        }
        reasons = tuple(name for name, true in tests.items() if true)
        if reasons:
            account.order = ("sell", account.shares, 0.0, reasons)
    elif (
        close > ma
        and vix is not None
        and vix < rules.vix_entry
        and rsi is not None
        and rsi > rules.rsi_entry
        and row.volume > volume
        and t - account.sold_at > rules.cooldown
    ):
        budget = min(account.cash, Decimal(rules.cap))
        each = Decimal(str(row.close)) * (1 + Decimal(rules.cost) + Decimal(rules.buffer))
        shares = int((budget / each).to_integral_value(rounding=ROUND_FLOOR))
        if shares >= 1:
            account.order = ("buy", shares, atr, ())


def fill(account: Account, rows: Sequence[Row], rules: SlowRules, t: int) -> None:
    if account.order is None:
        return
    side, shares, atr, reasons = account.order
    account.order = None
    price = Decimal(str(rows[t].open if rules.next_open else rows[t].close))
    fee = cents(Decimal(rules.cost) * shares * price)
    if side == "buy":
        account.cash -= shares * price + fee
        account.shares, account.entry_price, account.entry_atr, account.bought_at = shares, price, atr, t
        account.trades.append([rows[t].day, float(price), None, None, shares, ()])
    else:
        account.cash += shares * price - fee
        account.shares, account.sold_at = 0, t
        account.trades[-1][2:4] = [rows[t].day, float(price)]
        account.trades[-1][5] = reasons
