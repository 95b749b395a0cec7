"""What strategies of several symbols share: the smallest change worth an order, and lists of tickers."""

from dataclasses import dataclass, field

from mtum.core.strategies.contract import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFilter(Strategy):
    """What strategies of several symbols share: changes too small to be worth an order are not made."""

    min_trade_usd: float = field(default=100.0, metadata={"doc": "smallest change of a position, USD"})
    min_trade_frac: float = field(
        default=0.0025, metadata={"doc": "smallest change of a position, fraction of the sleeve's equity"}
    )

    def least_trade_usd(self, equity_usd: float) -> float:
        """Return the larger of the two."""
        return max(self.min_trade_usd, self.min_trade_frac * equity_usd)

    def filter_problems(self) -> tuple[str, ...]:
        """Return what is wrong with the two, one line each."""
        return tuple(
            f"{name} is {value:g}; use a number from 0 to {most:g}"
            for name, value, most in (
                ("min_trade_usd", self.min_trade_usd, 1e12),
                ("min_trade_frac", self.min_trade_frac, 1.0),
            )
            if not 0 <= value <= most
        )


def list_problems(symbols: tuple[str, ...], name: str = "symbols", least: int = 1) -> tuple[str, ...]:
    """Return what is wrong with a list of tickers, one line each."""
    if len(symbols) < least:
        return (f"{name} holds {len(symbols)} tickers; list {least} or more",)
    found = [
        f'{name} holds "{one}"; use upper-case tickers such as "SPY"'
        for one in symbols
        if not one or one != one.strip().upper()
    ]
    twice = sorted({one for one in symbols if symbols.count(one) > 1})
    return (*found, *(f"{name} holds {one} twice; list it once" for one in twice))
