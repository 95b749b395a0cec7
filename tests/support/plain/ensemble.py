"""Members vote with weights, each on a position that it only believes to hold."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from support.plain.account import Market, Seen, State, Wish

CARRIES = True
REAL = {
    "members": [
        {"strategy": "buy_and_hold", "rules": {"symbols": ["SPY", "IEF"]}},
        {"strategy": "pair_reversal", "weight": 2.0},
    ],
    "rule": "mean",
}


def rules_of(member: Mapping[str, Any]) -> Any:
    return import_module(f"support.plain.{member['strategy']}")


def history(params: Mapping[str, Any]) -> int:
    return max(int(rules_of(one).history(one["rules"])) for one in params["members"])


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    listed = [symbol for one in params["members"] for symbol in one["rules"]["symbols"] or [one["rules"]["symbol"]]]
    votes: dict[str, list[tuple[float, float | None]]] = {symbol: [] for symbol in listed}
    memory: dict[str, Any] = {}
    for n, member in enumerate(params["members"]):
        before = state.memory.get(f"member {n}", {"held": {}, "memory": {}, "last_fill": None})
        memory[f"member {n}"], weights = decided(market, t, before, member)
        for symbol, weight in weights.items():
            votes[symbol].append((member["weight"], weight))
    everyone = sum(member["weight"] for member in params["members"])
    found = [wish(one, votes[one], everyone, state, params["rule"]) for one in votes]
    found[0].memory.update(memory)
    return [one for one in found if not one.amount] + [one for one in found if one.amount]


def decided(
    market: Market, t: int, before: Mapping[str, Any], member: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, float | None]]:
    """One member's position afterwards, and its weight of each symbol, None where it has no opinion.

    Positions are weight and what the strategy may know of it, with an equity of one USD.
    """
    held: dict[str, tuple[float, Seen]] = dict(before["held"])
    price = {symbol: bars[t].close for symbol, bars in market.bars.items()}
    seen = {symbol: told(weight, one, price[symbol]) for symbol, (weight, one) in held.items()}
    cash = 1.0 - sum(weight for weight, _ in held.values())
    own = State(cash, 1.0, seen, before["last_fill"], dict(before["memory"]))
    said = rules_of(member).wishes(market, t, own, member["rules"])
    total = max(1.0, sum(one.amount for one in said if one.kind == "target"))
    weights: dict[str, float | None] = {}
    memory, last_fill, day = dict(before["memory"]), before["last_fill"], next(iter(market.bars.values()))[t].day
    for one in said:
        memory.update(one.memory)
        weight, known = held.get(one.symbol, (0.0, Seen()))
        if one.kind == "target":
            new = round(one.amount / total, 6)
            if new != weight:
                last_fill = day
                held[one.symbol] = (new, moved(weight, new, known, price[one.symbol], one, day))
            weights[one.symbol] = new
        else:
            weights[one.symbol] = None if one.kind == "abstain" else weight
    memory = {name: value for name, value in memory.items() if value is not None}
    return {"held": held, "memory": memory, "last_fill": last_fill}, weights


def told(weight: float, seen: Seen, price: float) -> Seen:
    shares: Any = weight / price
    return Seen(
        shares, seen.entry_session, seen.entry_price, seen.last_price, seen.purchases, remembered=seen.remembered
    )


def moved(weight: float, new: float, seen: Seen, price: float, said: Wish, day: Any) -> Seen:
    if new == 0:
        return Seen()
    if new < weight:
        return seen
    if weight == 0:
        return Seen(0, day, price, price, 1, remembered=dict(said.remember))
    assert seen.entry_price is not None
    average = round(new / (weight / seen.entry_price + (new - weight) / price), 6)
    return Seen(0, seen.entry_session, average, price, seen.purchases + 1, remembered=seen.remembered)


def wish(symbol: str, votes: list[tuple[float, float | None]], everyone: float, state: State, rule: str) -> Wish:
    given = [(vote, weight) for vote, weight in votes if weight is not None]
    if not given:
        return Wish(symbol, "abstain", reason="members_abstain")
    favor = [(vote, weight) for vote, weight in given if weight > 0]
    if rule == "mean":
        silent = sum(vote for vote, weight in votes if weight is None)
        new = sum(vote * weight for vote, weight in favor) / (everyone - silent)
    elif rule == "majority":
        enough = sum(vote for vote, _ in favor) > sum(vote for vote, _ in given) / 2
        new = sum(vote * weight for vote, weight in favor) / sum(vote for vote, _ in favor) if enough else 0.0
    else:
        new = min(weight for _, weight in given)
    new, last = round(new, 6), state.memory.get(f"w:{symbol}", 0.0)
    if new == last:
        return Wish(symbol, "keep", reason="hold")
    more = "members_for" if not last else "members_want_more" if new > last else "members_want_less"
    return Wish(symbol, "target", new, more if new else "members_against", memory={f"w:{symbol}": new})
