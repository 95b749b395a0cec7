"""A strategy for tests that does what its parameters say on which day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True)
class Scripted(Strategy):
    """Give each symbol the weight that the script has for the session, keep it otherwise."""

    name: ClassVar[str] = "scripted"
    EACH_BY_ITSELF: ClassVar[bool] = True

    symbols: tuple[str, ...] = field(default=("AAA", "BBB"), metadata={"doc": "symbols it trades"})
    script: tuple[Mapping[str, Any], ...] = field(default=(), metadata={"doc": "tables of day, symbol and weight"})

    def universe(self) -> tuple[str, ...]:
        """Every symbol of the list."""
        return self.symbols

    def history_sessions(self) -> int:
        """Today's price is enough."""
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """What the script says, in its order."""
        del own
        wanted = {row["symbol"]: row["weight"] for row in self.script if row["day"] == view.session.isoformat()}
        given = [
            SymbolVerdict(name, Target(wanted[name]), ("scripted",), (), {}) for name in wanted if name in view.bars
        ]
        rest = [name for name in self.symbols if name in view.bars and name not in wanted]
        return (*given, *(SymbolVerdict(name, Keep(), ("hold",), (), {}) for name in rest))
