from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.approvals.approve_settings import approve_settings
from mtum.app.desk import Desk
from mtum.app.service.rehearse import Rehearsal, Surroundings, rehearse
from mtum.app.service.rehearse_market import CheckState
from mtum.app.session.decide_and_order import decide_and_order
from mtum.core.market.sessions import Session
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import Ticket
from mtum.errors import BrokerUnavailableError, ExitCode
from mtum.ports.broker import BrokerAccount, BrokerLists
from mtum.ports.market_data import Quote
from support.practice import desk_in, settings_of
from support.values import replace

GOOD = Surroundings(free_bytes=lambda: 10**10, damage=lambda: (), unreachable=lambda: ())


class Changed:
    """Anything with some of its answers replaced."""

    def __init__(self, real: object, **answers: object) -> None:
        self.real = real
        self.answers = answers

    def __getattr__(self, name: str) -> object:
        return self.answers[name] if name in self.answers else getattr(self.real, name)


def looked_at(folder: Path, around: Surroundings = GOOD, *, halt: Restriction = Restriction.NONE) -> Rehearsal:
    with desk_in(folder) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        if halt is not Restriction.NONE:
            desk.store.control.halt(halt, "on holiday", "person", desk.clock.now())
        return rehearse(desk, session, around)


def ready(desk: Desk, session: Session | None) -> tuple[Desk, Session]:
    assert session is not None
    desk.clock.wait_until(session.before_close(20))
    return desk, session


def state(found: Rehearsal, name: str) -> tuple[CheckState, str]:
    check = next(check for check in found.checks if check.name == name)
    return check.state, check.found


def test_a_sound_installation_is_go(tmp_path: Path) -> None:
    found = looked_at(tmp_path)
    assert found.exit_code == ExitCode.DONE
    assert found.document["go"] is True
    assert [check.name for check in found.checks if check.state is CheckState.NO_GO] == []


def test_every_no_go_has_a_remedy_and_an_exit_code(tmp_path: Path) -> None:
    bad = Surroundings(
        free_bytes=lambda: 1000,
        damage=lambda: ("page 3 is damaged",),
        unreachable=lambda: (("mail.example.org:587", "refused the login"),),
    )
    found = looked_at(tmp_path, bad, halt=Restriction.FULL)
    stopped = [check for check in found.checks if check.state is CheckState.NO_GO]
    assert {check.name for check in stopped} == {"disk", "store", "halts", "messages"}
    assert all(check.remedy and check.exit_code for check in stopped)
    assert found.exit_code == ExitCode.HALTED  # before 3 and 8 in the order of exit codes
    assert [problem["code"] for problem in found.document["problems"]] == [3, 3, 7, 8]


def test_stopped_entries_are_a_warning_because_exits_go_on(tmp_path: Path) -> None:
    found = looked_at(tmp_path, halt=Restriction.REDUCE_ONLY)
    assert state(found, "halts") == (CheckState.WARNING, "reduce_only: on holiday")
    assert found.exit_code == ExitCode.DONE


def test_a_message_that_nobody_would_see_is_a_warning(tmp_path: Path) -> None:
    found = looked_at(tmp_path, replace(GOOD, anybody_told=False))
    assert state(found, "messages")[0] is CheckState.WARNING
    assert found.exit_code == ExitCode.DONE


def test_live_settings_that_nobody_approved_are_no_go(tmp_path: Path) -> None:
    live = settings_of(mode="live", market__source="ib", broker__account="U1", broker__live_account="U1")
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        unapproved = rehearse(replace(desk, settings=live), session, GOOD)
        approve_settings(desk.store.approvals, live, desk.clock.now())
        approved = rehearse(replace(desk, settings=live), session, GOOD)
    assert state(unapproved, "approval")[0] is CheckState.NO_GO
    assert unapproved.exit_code == ExitCode.HALTED
    assert approved.exit_code == ExitCode.DONE


def with_broker(folder: Path, **answers: object) -> Rehearsal:
    with desk_in(folder) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        return rehearse(replace(desk, broker=Changed(desk.broker, **answers)), session, GOOD)


def refused() -> None:
    raise BrokerUnavailableError("no gateway listens at 127.0.0.1:4002")


def test_a_gateway_that_is_not_there_is_exit_4_and_the_other_checks_go_on(tmp_path: Path) -> None:
    found = with_broker(tmp_path, connect=refused)
    assert state(found, "broker") == (CheckState.NO_GO, "no gateway listens at 127.0.0.1:4002")
    assert found.exit_code == ExitCode.BROKER
    assert state(found, "market data VIX")[0] is CheckState.OK


def test_a_clock_two_minutes_off_is_no_go(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        late = desk.clock.now() + timedelta(seconds=121)
        broker = Changed(desk.broker, server_time=lambda: late)
        found = rehearse(replace(desk, broker=broker), session, GOOD)
    assert state(found, "clock") == (CheckState.NO_GO, "121 s from the broker's")


def test_a_session_the_broker_closes_earlier_is_no_go(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        short = replace(session, close=session.close - timedelta(hours=3))
        broker = Changed(desk.broker, session_hours=lambda symbol, day: short)
        found = rehearse(replace(desk, broker=broker), session, GOOD)
    assert state(found, "calendar")[0] is CheckState.NO_GO
    assert found.exit_code == ExitCode.DATA


def lists_with(desk: Desk, **changes: object) -> BrokerLists:
    desk.broker.connect()
    return replace(desk.broker.lists(), **changes)


def account(lists: BrokerLists, **changes: object) -> BrokerAccount:
    return replace(lists.account, **changes)


def test_another_account_and_shares_nobody_knows_are_no_go(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        lists = lists_with(desk, positions={"MTUM": Decimal(7)})
        lists = replace(lists, account=account(lists, code="DU2"))
        found = rehearse(replace(desk, broker=Changed(desk.broker, lists=lambda: lists)), session, GOOD)
    assert state(found, "account")[0] is CheckState.NO_GO
    assert state(found, "positions")[0] is CheckState.NO_GO
    assert found.exit_code == ExitCode.USAGE


class Trying:
    """A broker with trial orders, of which it refuses some."""

    def __init__(self, real: object, refusal: str | BrokerUnavailableError | None) -> None:
        self.real = real
        self.refusal = refusal
        self.tried: list[Ticket] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def what_if(self, ticket: Ticket) -> str | None:
        self.tried.append(ticket)
        if isinstance(self.refusal, BrokerUnavailableError):
            raise self.refusal
        return self.refusal


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (None, ExitCode.DONE),
        ("201 no permission", ExitCode.ORDER),
        (BrokerUnavailableError("the interface is read-only"), ExitCode.BROKER),  # as today's run would end
    ],
)
def test_one_share_is_tried_without_being_ordered(
    tmp_path: Path, refusal: str | BrokerUnavailableError | None, expected: ExitCode
) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        broker = Trying(desk.broker, refusal)
        found = rehearse(replace(desk, broker=broker), session, GOOD)
    assert [(ticket.side.value, ticket.shares) for ticket in broker.tried] == [("BUY", 1)]
    assert found.exit_code == expected


def with_quote(desk: Desk, session: Session, vix: object = None, **quote: object) -> Desk:
    def quoted(symbol: str, asked: Session, at: object) -> Quote:
        return replace(desk.source.quote(symbol, session, desk.clock.now()), **quote)

    series = {} if vix is None else {"series": vix}
    return replace(desk, source=Changed(desk.source, quote=quoted, **series))


def test_a_delayed_feed_is_no_go_and_a_missing_vix_only_a_warning(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        found = rehearse(with_quote(desk, session, lambda name, asked, at: None, delayed=True), session, GOOD)
    assert state(found, "market data MTUM")[0] is CheckState.NO_GO
    assert state(found, "market data VIX")[0] is CheckState.WARNING
    assert found.exit_code == ExitCode.DATA


@pytest.mark.parametrize(
    ("quote", "rule"),
    [
        *(({name: float("nan")}, "not_a_number") for name in ("open", "high", "low", "close")),
        *(({name: -1.0}, "not_positive") for name in ("open", "high", "low", "close", "volume")),
        ({"low": 1000.0}, "out_of_range"),
        ({"volume": 0.0}, "no_volume"),
        ({"delayed": True}, "delayed"),
        ({"seen_at": datetime(2018, 1, 2, 15, 0, tzinfo=UTC)}, "stale"),
    ],
)
def test_a_running_bar_that_the_run_would_refuse_is_no_go(tmp_path: Path, quote: dict[str, object], rule: str) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        decide_and_order(desk, session)  # fills the cache
        session = replay.upcoming()  # type: ignore[assignment]
        desk, session = ready(with_quote(desk, session, **quote), session)
        kept = desk.store.quarantine.kept_out()
        found = rehearse(desk, session, GOOD)
        assert desk.store.quarantine.kept_out() == kept  # a look keeps nothing
        ran = decide_and_order(desk, session, dry_run=True)
    checked, said = state(found, "market data MTUM")
    assert (checked, said.split(":")[0]) == (CheckState.NO_GO, rule)
    assert found.exit_code == ran.exit_code == ExitCode.DATA
    assert said in ran.document["problems"][0]["text"]


def test_an_unknown_volume_stops_neither_rehearsal_nor_run(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        desk = with_quote(desk, session, volume=float("nan"))
        found = rehearse(desk, session, GOOD)
        ran = decide_and_order(desk, session, dry_run=True)
    assert state(found, "market data MTUM")[0] is not CheckState.NO_GO
    assert (ran.exit_code, ran.document["reasons"]) == (ExitCode.DONE, ["volume_unproven"])


def test_a_running_bar_is_judged_by_itself_where_nothing_is_stored_yet(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        found = rehearse(with_quote(desk, session, close=float("nan")), session, GOOD)
    assert state(found, "market data MTUM")[1].startswith("not_a_number")


def test_a_price_that_only_bars_entries_is_a_warning(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        desk, session = ready(replay.desk, replay.upcoming())
        decide_and_order(desk, session)
        session = replay.upcoming()  # type: ignore[assignment]
        desk, session = ready(with_quote(desk, session, close=1234.0, high=1234.0, midpoint=None), session)
        found = rehearse(desk, session, GOOD)
    checked, said = state(found, "market data MTUM")
    assert checked is CheckState.WARNING
    assert "nothing to confirm it" in said


def test_before_the_opening_no_bar_is_expected(tmp_path: Path) -> None:
    with desk_in(tmp_path) as replay:
        session = replay.upcoming()
        assert session is not None
        clock = Changed(replay.desk.clock, now=lambda: session.open - timedelta(minutes=1))
        found = rehearse(replace(replay.desk, clock=clock), session, GOOD)
    assert state(found, "market data MTUM")[0] is CheckState.SKIPPED
