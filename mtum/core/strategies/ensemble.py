"""Several strategies vote on what to hold; none of them knows of the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from msgspec.structs import replace

from mtum.core.indicators.smoothing import known
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import (
    Abstain,
    Condition,
    Keep,
    Memory,
    Own,
    Remembered,
    SymbolVerdict,
    Target,
    Verdict,
    above,
    at_least,
)
from mtum.core.strategies.description import ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.several import TradeFilter

if TYPE_CHECKING:
    from mtum.core.market.bars import Column
    from mtum.core.strategies.columns import Allocation, MarketColumns, Votes
    from mtum.core.view import MarketView


class Vote(StrEnum):
    """How the members' weights become one."""

    MEAN = "mean"
    MAJORITY = "majority"
    UNANIMOUS = "unanimous"


@dataclass(frozen=True, slots=True)
class Member:
    """One voter.

    Parameters
    ----------
    strategy : str
        Name in the registry.
    weight : float
        Of its vote; what counts is how it compares with the others.
    rules : Strategy
        The strategy with its parameters; in the settings a table of them.
    """

    strategy: str
    weight: float = 1.0
    rules: Any = None  # what reads the settings makes it from the registry, which this file cannot know


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Ensemble(TradeFilter):
    """Members vote on each symbol, each on a virtual position of its own; the sleeve holds what they agree on.

    A vote steadies what differs and waters down what is best; members that think alike count twice.

    References
    ----------
    Dietterich (2000), "Ensemble Methods in Machine Learning"; Timmermann (2006), "Forecast Combinations": the plain
    mean of several forecasts is hard to beat.
    """

    name: ClassVar[str] = "ensemble"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "members_for", Role.ENTRY, "enough members want to hold it", "too few members want to hold it",
            "members for", "%", of_position=True,
        ),
        ConditionSpec(
            "members_want_more", Role.ENTRY, "members want more of it than last decided",
            "members want no more of it than last decided", "more", of_position=True,
        ),
        ConditionSpec(
            "members_against", Role.EXIT, "too few members want to hold it", "", "members against", "%",
            of_position=True,
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "members_against": "",
        "members_for": "",
        "members_want_more": "",
        "members_want_less": "members want less of it than last decided",
        "members_abstain": "no member that trades it has an opinion",
        "hold": "",
    }
    EXAMPLE: ClassVar[Example] = Example(
        {
            "members": [
                {"strategy": "trend_following", "weight": 1.0, "rules": {"symbols": ["SP500", "NDQ"]}},
                {
                    "strategy": "mean_reversion",
                    "weight": 1.0,
                    "rules": {"symbols": ["SP500", "NDQ"], "max_positions": 2},
                },
                {"strategy": "donchian_breakout", "weight": 1.0, "rules": {"symbols": ["SP500", "NDQ"]}},
            ],
        }
    )
    EACH_BY_ITSELF: ClassVar[bool] = True
    CALENDAR: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    STANDING_SALES: ClassVar[bool] = True

    members: tuple[Member, ...] = field(metadata={"doc": "those who vote: list of {strategy, weight, rules}"})
    rule: Vote = field(
        default=Vote.MEAN,
        metadata={"doc": 'what is held: the "mean" of the weights, that of a "majority", the least if "unanimous"'},
    )

    @property
    def TOTAL_RETURNS(self) -> bool:  # type: ignore[override]  # noqa: N802  # the same of one member is so of all
        """Whether a member needs total returns."""
        return any(one.rules.TOTAL_RETURNS for one in self.members)

    @property
    def SERIES_SESSIONS(self) -> int:  # type: ignore[override]  # noqa: N802
        """How many values of extra series the longest member needs."""
        return max(int(one.rules.SERIES_SESSIONS) for one in self.members)

    @property
    def CAUTIONS(self) -> tuple[str, ...]:  # type: ignore[override]  # noqa: N802
        """What any member has to say."""
        return tuple(dict.fromkeys(line for one in self.members for line in one.rules.CAUTIONS))

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """Return what any member looks at."""
        return tuple(dict.fromkeys(column for one in self.members for column in one.rules.bar_columns))

    @property
    def intraday_bars(self) -> Mapping[Timeframe, int]:
        """Return the bars that the member which looks furthest back needs of each timeframe."""
        asked = [one.rules.intraday_bars for one in self.members]
        return {frame: max(bars.get(frame, 0) for bars in asked) for bars in asked for frame in bars}

    def universe(self) -> tuple[str, ...]:
        """Return what any member may hold."""
        return tuple(dict.fromkeys(symbol for one in self.members for symbol in one.rules.universe()))

    def reads(self) -> tuple[str, ...]:
        """Return what members read and none may hold."""
        read = dict.fromkeys(symbol for one in self.members for symbol in one.rules.reads())
        return tuple(symbol for symbol in read if symbol not in self.universe())

    def series(self) -> tuple[str, ...]:
        """Return the extra series that any member needs."""
        return tuple(dict.fromkeys(name for one in self.members for name in one.rules.series()))

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return the mean of what the members that trade a symbol usually hold of it."""
        found = {}
        for symbol in self.universe():
            votes = [(one.weight, one.rules.usual_weights.get(symbol)) for one in self.members]
            trading = [(vote, weight) for vote, weight in votes if weight is not None]
            whole = sum(vote for vote, _ in (votes if self.rule is Vote.MEAN else trading))
            found[symbol] = sum(vote * weight for vote, weight in trading) / whole
        return found

    def history_sessions(self) -> int:
        """Return the bars that the longest member needs."""
        return max(int(one.rules.history_sessions()) for one in self.members)

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return what the members ask of the view."""
        return tuple(dict.fromkeys(spec for one in self.members for spec in one.rules.indicators()))

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the members and the filter, one line each."""
        found = [] if self.members else ["members holds 0 strategies; list one or more"]
        for number, one in enumerate(self.members):
            place = f"members.{number}"
            if barred(one.strategy):
                found.append(f"{place}.strategy {barred(one.strategy)}")
            elif not hasattr(one.rules, "verdicts"):
                found.append(f"{place}.rules is {one.rules!r}; use the parameters of {one.strategy}")
            else:
                found += [f"{place}.rules.{problem}" for problem in one.rules.problems()]
            if not 0 < one.weight <= 1000:
                found.append(f"{place}.weight is {one.weight:g}; use a number above 0, up to 1000")
        return (*found, *self.filter_problems())

    def contradictions(self) -> tuple[str, ...]:
        """Return what does not go together within a member, one line each."""
        return tuple(
            f"members.{number}.rules.{line}"
            for number, one in enumerate(self.members)
            for line in one.rules.contradictions()
        )

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return what the members agree on: exits, then the rest in the order of the members' symbols."""
        from mtum.core.strategies.virtual import decided, under  # who reads settings loads this file

        wants: dict[str, dict[str, float | None]] = {symbol: {} for symbol in self.universe()}
        memory: dict[str, Remembered] = {}
        for label, member in self._labeled().items():
            said = decided(member.rules, view, under(own.memory, label))
            for symbol, weight in said.weights.items():
                wants[symbol][label] = weight
            memory |= {f"{label}:{name}": one for name, one in said.memory.items()}
        found = [self._verdict(symbol, wants[symbol], view, own.memory) for symbol in wants if symbol in view.bars]
        if found:  # what the members remember is of no symbol
            kept = {*memory, *(f"w:{symbol}" for symbol in wants)}
            gone = dict.fromkeys(name for name in own.memory if name not in kept)
            new = {name: value for name, value in memory.items() if own.memory.get(name) != value}
            found[0] = replace(found[0], memory={**gone, **new, **found[0].memory})
        return tuple(sorted(found, key=lambda one: one.enters))

    def column_form(self, market: "MarketColumns") -> "Votes | None":
        """Return the forms of the members, and what they agree on; None where one of them has none."""
        import numpy as np

        from mtum.core.strategies.columns import Voter, Votes, tells_its_own

        voters = []
        for rules in (one.rules for one in self.members):
            form = rules.column_form(market) if tells_its_own(rules) else None
            if form is None or isinstance(form, Votes):
                return None
            looked_at = tuple(dict.fromkeys((*rules.universe(), *rules.reads())))
            able = np.ones(len(market.days), dtype=bool) if rules.EACH_BY_ITSELF else market.whole(looked_at)
            voters.append(Voter(rules.universe(), form, able))
        return Votes(tuple(voters), lambda wanted: _agreed(self, market, wanted))

    def _labeled(self) -> dict[str, Member]:
        # A member stays itself when others come and go; of two of one strategy the second has a number.
        kinds = [one.strategy for one in self.members]
        before = [kinds[:number].count(kind) for number, kind in enumerate(kinds)]
        names = (f"{kind} {count + 1}" if count else kind for kind, count in zip(kinds, before, strict=True))
        return dict(zip(names, self.members, strict=True))

    def _verdict(
        self, symbol: str, wants: Mapping[str, float | None], view: "MarketView", memory: Memory
    ) -> SymbolVerdict:
        share, weight = self._outcome(wants)
        stored = memory.get(f"w:{symbol}", 0.0)
        last = stored if isinstance(stored, int | float) else 0.0
        needed, strict, loose = _TERMS[self.rule]
        conditions = (
            strict("members_for", share, needed),
            above("members_want_more", weight, last),
            loose("members_against", None if share is None else known(100.0 - share), 100.0 - needed),
        )
        verdict, reason = _step(weight, last)
        opinions = {label: one for label, one in wants.items() if one is not None}
        return SymbolVerdict(
            symbol,
            verdict,
            (reason,),
            conditions,
            {"close": known(float(view.bars[symbol].close[-1])), "members_weight": weight, **wants},
            memory={f"w:{symbol}": verdict.weight} if isinstance(verdict, Target) else {},
            conflict=opinions if len({one > 0 for one in opinions.values()}) > 1 else {},
        )

    def _outcome(self, wants: Mapping[str, float | None]) -> tuple[float | None, float | None]:
        """Return the part of the votes for holding, in %, and the weight to hold; None where nobody has an opinion."""
        votes = {label: member.weight for label, member in self._labeled().items()}
        given = [(votes[label], weight) for label, weight in wants.items() if weight is not None]
        if not given:
            return None, None
        favor = [(vote, weight) for vote, weight in given if weight > 0]
        held, total = sum(vote * weight for vote, weight in favor), sum(vote for vote, _ in favor)
        share = known(100.0 * total / sum(vote for vote, _ in given)) or 0.0
        if not _TERMS[self.rule].strict("members_for", share, _TERMS[self.rule].needed).passed:
            return share, 0.0
        match self.rule:
            case Vote.MEAN:  # who does not trade the symbol counts as one who wants nothing of it
                silent = sum(votes[label] for label, weight in wants.items() if weight is None)
                return share, known(held / (sum(votes.values()) - silent))
            case Vote.MAJORITY:
                return share, known(held / total)
            case Vote.UNANIMOUS:
                return share, min(weight for _, weight in given)


def _agreed(ensemble: Ensemble, market: "MarketColumns", wanted: "Sequence[Column]") -> "Allocation":
    # The weight of each session at which the members' weights come to another one than was decided last.
    import numpy as np

    from mtum.core.strategies.columns import Allocation

    symbols, labeled = ensemble.universe(), ensemble._labeled()
    able, reasons = market.able(symbols), tuple(name for name in ensemble.REASONS if name.startswith("members_"))
    weights, words = np.full(able.shape, np.nan), np.zeros(able.shape, dtype=np.int64)
    for place, symbol in enumerate(symbols):
        votes = {
            label: weight[:, one.rules.universe().index(symbol)]
            for (label, one), weight in zip(labeled.items(), wanted, strict=True)
            if symbol in one.rules.universe()
        }
        (at,) = np.nonzero(able[:, place] & (np.arange(len(able)) >= market.first))
        told = np.column_stack([column[at] for column in votes.values()])
        now = np.nan_to_num(told, nan=-1.0)
        changed = np.flatnonzero((now[1:] != now[:-1]).any(axis=1)) + 1 if len(at) else at
        last = 0.0
        for n in (0, *changed.tolist()) if len(at) else ():
            heard = {label: None if one < 0 else one for label, one in zip(votes, now[n].tolist(), strict=True)}
            verdict, reason = _step(ensemble._outcome(heard)[1], last)
            if isinstance(verdict, Target):
                last = weights[at[n], place] = verdict.weight
                words[at[n], place] = reasons.index(reason)
    row = np.where(np.isnan(weights).all(axis=1), -1, np.arange(len(able)))
    return Allocation(row, weights, np.stack([words] * 3), tuple((name,) for name in reasons), targets_last=True)


def barred(strategy: str) -> str:
    """Return why a strategy may not be a member; empty where it may."""
    if strategy != Ensemble.name and not strategy.endswith("_rebalance"):
        return ""
    return f'is "{strategy}"; use one that says of each symbol when to hold it'


class _Terms(NamedTuple):
    # The part of the votes in % that holding takes, how it is compared, and how its opposite is.
    needed: float
    strict: Callable[[str, float | None, float | None], Condition]
    loose: Callable[[str, float | None, float | None], Condition]


_TERMS = {
    Vote.MEAN: _Terms(0.0, above, at_least),
    Vote.MAJORITY: _Terms(50.0, above, at_least),
    Vote.UNANIMOUS: _Terms(100.0, at_least, above),
}


def _step(weight: float | None, last: float) -> tuple[Verdict, str]:
    if weight is None:
        return Abstain(), "members_abstain"
    if weight == last:
        return Keep(), "hold"
    if weight == 0:
        return Target(0.0), "members_against"
    if last == 0:
        return Target(weight), "members_for"
    return Target(weight), "members_want_more" if weight > last else "members_want_less"
