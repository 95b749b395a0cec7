"""Parameters without a default, and tables as values: what a strategy needs is asked for only where it is to run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

from mtum import config
from mtum.app.owner.settings_catalog import schema, settings_text, toml_text, values_in_force
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Own, Strategy, SymbolVerdict
from mtum.core.strategies.description import Example
from mtum.core.view import MarketView
from mtum.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Needy(Strategy):
    """Symbols that a person must name, and weights with a default."""

    name: ClassVar[str] = "needy"
    EXAMPLE: ClassVar[Example] = Example({"tickers": ["AAA"]})

    tickers: tuple[str, ...] = field(metadata={"doc": "symbols to hold"})
    parts: Mapping[str, float] = field(
        default_factory=lambda: {"BRK.B": 0.5, "SPY": 0.25}, metadata={"doc": "parts of each"}
    )
    sessions: int = field(default=5, metadata={"doc": "sessions"})

    def universe(self) -> tuple[str, ...]:
        return self.tickers

    def history_sessions(self) -> int:
        return self.sessions

    def problems(self) -> tuple[str, ...]:
        return () if self.sessions > 0 else (f"sessions is {self.sessions}; use a whole number above 0",)

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        return ()


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setitem(STRATEGIES, "needy", Needy)
        yield


ASKED = "strategy.needy.tickers: needy needs it and has no default; set it (symbols to hold)"


def problems(changes: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        config.load(None, {}, changes)
    return list(refused.value.problems)


def test_it_is_asked_for_only_where_the_strategy_is_to_run() -> None:
    assert config.load(None, {}).general("needy") is None
    assert config.load(None, {}, {"strategy.needy.sessions": 7}).general("needy") is None
    assert problems({"portfolio.strategy": "needy"}) == [ASKED]
    settings = config.load(None, {}, {"portfolio.strategy": "needy", "strategy.needy.tickers": ["SPY"]})
    assert settings.active_strategy().universe() == ("SPY",)
    assert config.restored(settings.document()) == settings


def test_a_sleeve_asks_for_it_in_its_own_rules(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    sleeve = '[sleeve.one]\nstrategy = "needy"\nweight = 0.5\n'
    file.write_text(sleeve)
    with pytest.raises(ConfigError) as refused:
        config.load(file, {})
    asked = "sleeve.one.rules.tickers: needy needs it and has no default; set it (symbols to hold)"
    assert list(refused.value.problems) == [asked]
    file.write_text(sleeve + '[sleeve.one.rules]\ntickers = ["SPY"]\n')
    assert config.load(file, {}).sleeve["one"].rules.universe() == ("SPY",)
    file.write_text(sleeve + '[strategy.needy]\ntickers = ["SPY"]\n')
    assert config.load(file, {}).sleeve["one"].rules.universe() == ("SPY",)


def test_the_other_parameters_are_judged_without_it() -> None:
    wrong = "strategy.needy.sessions: input should be a valid integer, unable to parse string as an integer"
    assert problems({"strategy.needy.sessions": "many"}) == [f"{wrong}, found 'many'"]
    assert problems({"strategy.needy.sessions": 0}) == ["strategy.needy.sessions is 0; use a whole number above 0"]


def test_what_is_no_table_is_told_in_the_words_of_the_settings_file() -> None:
    found = problems({"strategy.needy.parts": [0.5], "strategy.needy.tickers": ("A",)})
    assert found == ["strategy.needy.parts: input should be a valid table, found [0.5]"]


def test_a_table_is_a_value_in_file_environment_and_listing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[strategy.needy]\ntickers = ['A']\nparts = {B = 0.5, A = 0.25}\n")
    settings = config.load(file, {})
    assert list(settings.strategy["needy"].parts.items()) == [("B", 0.5), ("A", 0.25)]
    given = config.load(file, {"MTUM_STRATEGY__NEEDY__PARTS": "{SPY = 1}"})
    assert given.strategy["needy"].parts == {"SPY": 1.0}
    rows = {row.name: row for row in values_in_force(settings, file, {})}
    assert (rows["strategy.needy.parts"].value, rows["strategy.needy.parts"].origin) == ({"B": 0.5, "A": 0.25}, "file")
    assert toml_text(Needy(tickers=()).parts) == '{"BRK.B" = 0.5, SPY = 0.25}'


def test_the_file_that_init_writes_shows_what_is_needed_and_stays_usable(tmp_path: Path) -> None:
    text = settings_text()
    assert '# needed by this strategy, for instance: tickers = ["AAA"]' in text
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert config.load(file, {}).document() == config.load(None, {}).document()
    shown = schema()["properties"]["strategy"]["properties"]["needy"]["properties"]
    assert "default" not in shown["tickers"]
    assert shown["parts"]["default"] == {"BRK.B": 0.5, "SPY": 0.25}
