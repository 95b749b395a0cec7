"""The rules played with conditions left out."""

from msgspec import structs

from mtum.app.reporting.period import Period
from mtum.core.portfolio import returns
from mtum.core.reporting.parts.effects import Effect
from mtum.core.strategies.description import Role


def effects(period: Period) -> tuple[Effect, ...]:
    """Play the rules over all cached bars whole, with each condition left out, and with each entry alone.

    `difference_frac` is the return less that of the whole rules. Conditions on exits stay in force
    while entries are tried alone.
    """
    from mtum.core.simulation.backtest import ALL_CONDITIONS
    from mtum.core.strategies.mtum_confluence import MtumConfluence

    strategy = period.facts.strategy
    if not isinstance(strategy, MtumConfluence) or len(period.facts.bars) <= strategy.history_sessions():
        return ()
    whole = _played(period, strategy, ALL_CONDITIONS)
    variants = {f"without {spec.name}": ALL_CONDITIONS - {spec.name} for spec in strategy.CONDITIONS}
    exits = frozenset(spec.name for spec in strategy.CONDITIONS if spec.role is Role.EXIT)
    entries = [spec.name for spec in strategy.CONDITIONS if spec.role is Role.ENTRY]
    variants |= {f"only {name} to enter": exits | {name} for name in entries}
    rows = [("all conditions", whole)]
    rows += [(variant, _played(period, strategy, used)) for variant, used in variants.items()]
    return tuple(
        Effect(variant, trades, round(frac, 6), round(fall, 6), round(frac - whole[1], 6))
        for variant, (trades, frac, fall) in rows
    )


def _played(period: Period, strategy: object, used: frozenset[str]) -> tuple[int, float, float]:
    from mtum.core.simulation.backtest import run
    from mtum.core.simulation.history import history
    from mtum.core.simulation.kernel.play import Span
    from mtum.core.simulation.played import PlayTerms
    from mtum.core.strategies.mtum_confluence import MtumConfluence

    assert isinstance(strategy, MtumConfluence)  # checked by the caller
    settings = period.writer.setup.settings
    sleeve = period.facts.setup.chosen
    capital = settings.portfolio.capital_usd * sleeve.weight if sleeve.owns_money else sleeve.virtual_usd
    # The kernel knows no loss limit as a fraction; the comparison is between conditions, all without it.
    risk = structs.replace(settings.risk_of(sleeve.name), max_daily_loss_frac=None)
    terms = PlayTerms(capital, settings.portfolio.rules(risk), risk.daily_loss_pause_sessions)
    ready = history(period.facts.bars, period.facts.series("VIX"))
    span = Span(strategy.history_sessions() - 1, len(ready))
    # A report is a process of its own: what it plays is less than numba takes to load.
    played = run(ready, strategy, terms, span, used, plain=True)
    frac = float(played.equity[-1]) / capital - 1.0
    return len(played.trades), frac, float(returns.drawdown(returns.from_capital(played.equity, capital)).min())
