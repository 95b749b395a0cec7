"""What a session asks of the database: little, and what the account has once not by every sleeve."""

from collections import Counter
from pathlib import Path
from typing import Any

from mtum.adapters.store.opening import SqliteStore
from mtum.app.session.play_session import play_session
from support.practice import desk_in

NAMES = tuple(f"holder_{letter}" for letter in "abcde")
PLAYED = 4
AT_MOST = 145
"""Questions of a session in which shares are held and none are traded; reading the books once more asks five."""
OF_A_SLEEVE = 42
"""Questions that one more sleeve asks."""
OWN = (
    "AND session >= '2018-01-08' ORDER BY session",
    "AND final = 1 ORDER BY session DESC LIMIT 1",
    "AND session = day ORDER BY session",
)
"""Asked by each sleeve of its own symbols: the day's closes, whether they are final, what it is compared with."""


def asked(folder: Path, names: tuple[str, ...] = ()) -> Counter[str]:
    """How often each question is asked in the last of four sessions."""
    sleeves: dict[str, Any] = {
        f"sleeve__{name}__{key}": value
        for name in names
        for key, value in (("strategy", "buy_and_hold"), ("weight", 1 / len(names)))
    }
    said: list[str] = []
    with desk_in(folder, **sleeves) as replay:
        store = replay.desk.store
        assert isinstance(store, SqliteStore)
        for number in range(PLAYED):
            session = replay.upcoming()
            assert session is not None
            if number == PLAYED - 1:
                store.database.connection.set_trace_callback(said.append)
            play_session(replay.desk, session)
        store.database.connection.set_trace_callback(None)
    return Counter(" ".join(sql.split()) for sql in said if sql.lstrip().startswith(("SELECT", "WITH")))


def test_a_session_asks_no_more_than_it_needs(tmp_path: Path) -> None:
    assert asked(tmp_path).total() <= AT_MOST


def test_five_sleeves_ask_no_more_than_one_of_what_the_account_has_once(tmp_path: Path) -> None:
    one, five = asked(tmp_path / "one", NAMES[:1]), asked(tmp_path / "five", NAMES)
    more = [sql for sql, times in five.items() if 0 < one[sql] < times]
    assert [sql for sql in more if not sql.endswith(OWN)] == []
    assert five.total() <= one.total() + 4 * OF_A_SLEEVE
