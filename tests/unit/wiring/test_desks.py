"""What is built for which settings."""

import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

import mtum
from mtum import config
from mtum.adapters.run_journal import RunJournal
from mtum.app.session.play_session import market_sessions
from mtum.core.portfolio.gate import GateRules
from mtum.errors import BarsMissingError, UsageError
from mtum.ports.options import OptionBroker
from mtum.wiring import desks, resources
from mtum.wiring.provenance import provenance
from support.bars import bars_of, weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar
from support.practice import desk_in, settings_of

PAPER = {"mode": "paper", "broker__account": "DU1"}


@pytest.mark.parametrize(
    ("changes", "replay"),
    [
        ({}, True),
        ({"market__source": "csv"}, True),
        ({"market__source": "yahoo"}, False),
        ({**PAPER, "market__source": "yahoo"}, False),
        ({**PAPER, "market__source": "ib"}, False),
    ],
)
def test_market_time_is_simulated_only_in_practice_on_stored_history(changes: dict[str, str], replay: bool) -> None:
    assert resources.is_replay(settings_of(**changes)) is replay


def test_the_demo_forces_practice_and_sample_and_keeps_the_rest() -> None:
    asked = settings_of(
        mode="live",
        market__source="ib",
        market__calendar_overrides="closures.toml",
        broker__account="U1",
        broker__live_account="U1",
        portfolio__capital_usd=9000,
        risk__max_daily_loss_usd=77,
        strategy__mtum_confluence__ma_sessions=60,
    )
    demo = resources.demo_settings(asked)
    assert (demo.mode, demo.market.source, demo.market.calendar_overrides) == ("practice", "sample", "")
    assert (demo.broker.account, demo.broker.live_account, resources.account_of(demo)) == ("", "", "PRACTICE")
    assert (demo.portfolio, demo.risk, demo.strategy) == (asked.portfolio, asked.risk, asked.strategy)
    assert asked.mode == "live"


def test_a_named_account_is_traded_and_practice_needs_none() -> None:
    assert resources.account_of(settings_of()) == "PRACTICE"
    assert resources.account_of(settings_of(**PAPER, market__source="yahoo")) == "DU1"


def test_the_last_gate_has_the_limits_of_the_settings() -> None:
    settings = settings_of(risk__max_position_usd=1234.5, schedule__window_opens_minutes=30)
    assert desks.gate_rules(settings, {"MTUM": "4711", "SPY": "1"}) == GateRules(
        account="PRACTICE",
        contracts={"MTUM": "4711"},
        max_position_usd={"mtum_confluence": Decimal("1234.5")},
        window_opens_minutes=30.0,
        last_send_minutes=15.0,
    )


def test_an_order_of_no_sleeve_has_a_limit_in_paper_mode_alone() -> None:
    for more, limits in ((PAPER, {"", "mtum_confluence"}), ({}, {"mtum_confluence"})):
        settings = settings_of(**more, **({"market__source": "yahoo"} if more else {}))
        assert {*desks.gate_rules(settings, {}).max_position_usd} == limits


def test_provenance_names_version_source_and_libraries() -> None:
    found = provenance()
    assert found.code_version == mtum.__version__
    assert re.fullmatch(r"[0-9a-f]{16}", found.code_hash)
    assert set(found.libraries) == {"exchange-calendars", "numba", "numpy", "pandas", "pandas-ta"}
    assert all(re.match(r"\d", number) for number in found.libraries.values())
    assert provenance() == found


def test_the_hash_of_the_code_is_that_of_every_file_of_the_core_in_order() -> None:
    core = Path(mtum.__file__).parent / "core"
    files = [
        path.relative_to(core).as_posix().encode() + b"\0" + path.read_bytes() for path in sorted(core.rglob("*.py"))
    ]
    assert provenance().code_hash == sha256(b"".join(one + b"\0" for one in files)).hexdigest()[:16]


def test_a_market_can_be_decided_from_the_first_session_with_enough_history() -> None:
    calendar = WeekdayCalendar(weekday_sessions(date(2024, 1, 1), 200))
    bars = bars_of([100.0] * 70, symbol="MTUM")
    sessions = market_sessions(ShelfSource({"MTUM": bars}), calendar, config.load(None, {}))
    # 60 bars are needed, today's included: the 60th bar's session is the first.
    assert (len(sessions), sessions[0].day, sessions[-1].day) == (11, bars.day(59), bars.last_day)


def test_a_market_too_short_for_the_strategy_is_refused_with_both_numbers() -> None:
    calendar = WeekdayCalendar(weekday_sessions(date(2024, 1, 1), 200))
    source = ShelfSource({"MTUM": bars_of([100.0] * 59)})
    with pytest.raises(BarsMissingError, match="MTUM: the yahoo market has 59 sessions, 60 needed"):
        market_sessions(source, calendar, config.load(None, {}))


def test_a_session_outside_the_replayed_market_is_refused_with_its_bounds(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        assert replay.session(date(2018, 1, 3)).day == date(2018, 1, 3)
        with pytest.raises(UsageError, match=r"2019-01-02 is not a session .* to 2018-12-31"):
            replay.session(date(2019, 1, 2))
        assert replay.desk.replayed


def test_a_live_run_takes_no_instant_but_the_brokers(tmp_path: Path) -> None:
    live = settings_of(mode="live", market__source="ib", broker__account="U1", broker__live_account="U1")
    at = weekday_sessions(date(2024, 1, 1), 1).known[0].close
    with pytest.raises(UsageError, match="--as-of"), desks.live_desk(live, tmp_path, at):
        pass
    assert list(tmp_path.iterdir()) == []


def test_practice_money_moves_at_the_exchange_and_real_money_is_left_to_the_bank(tmp_path: Path) -> None:
    desks.transfer_of(settings_of(**PAPER, market__source="yahoo"), tmp_path)(Decimal(100))
    assert list(tmp_path.iterdir()) == []
    desks.transfer_of(settings_of(), tmp_path)(Decimal(100))
    with desk_in(tmp_path) as replay:
        replay.desk.broker.connect()
        assert replay.desk.broker.lists().account.cash_usd == 5100


def test_the_journal_of_a_run_is_silent_until_it_has_begun(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        runs, clock = replay.desk.store.runs, replay.desk.clock
        journal = RunJournal(replay.desk.store.runs, clock)
        journal.reached("early")
        run_id = runs.start_run("job", "", date(2018, 1, 3), clock.now())
        journal.begin(run_id)
        journal.reached("decided")
        found = runs.run_of("job", "", date(2018, 1, 3))
        assert found is not None
        assert found.steps == {"decided": clock.now()}


def test_a_paper_account_with_a_sleeve_of_options_has_the_brokers_own_chains_and_a_gate_for_them(
    tmp_path: Path,
) -> None:
    options = {**PAPER, "market__source": "yahoo", "portfolio__strategy": "wheel", "options__level": 3}
    with desks.live_desk(settings_of(**options), tmp_path, None) as desk:
        assert isinstance(desk.broker, OptionBroker)
        assert (desk.broker.name, desk.chains and desk.chains.name) == ("ib", "ib")
    with desks.live_desk(settings_of(**PAPER, market__source="yahoo"), tmp_path / "shares", None) as desk:
        assert not isinstance(desk.broker, OptionBroker)
        assert desk.chains is None


def test_an_account_in_shares_loads_nothing_of_the_broker_of_options() -> None:
    code = "import sys, mtum.wiring.desks; print(*sorted(one for one in sys.modules if one.startswith('mtum.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = done.stdout.split()
    assert "mtum.adapters.brokers.simulated" in loaded
    # What speaks to the broker is loaded by a desk that has a line to it, and the reader by what only reads.
    assert [one for one in loaded if ".ib" in one or one.endswith(".reading")] == []
    assert [
        one for one in loaded if one.startswith(("mtum.adapters", "mtum.core.portfolio.options")) and "option" in one
    ] == []
