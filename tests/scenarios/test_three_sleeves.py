"""Three sleeves in one account through the whole daily job."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mtum.app.ledger.book_problems import book_problems
from mtum.app.owner.flatten import request_flatten
from mtum.app.records.verify import verify
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Own, SymbolVerdict
from mtum.core.view import MarketView
from support.practice import exchange_in
from support.three_sleeves import NAMES, account_in, played, write_three

PLAYED = 40


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("three")
    write_three(folder)
    with account_in(folder) as replay:
        return folder, played(replay, PLAYED)


def test_every_sleeve_decides_every_session_and_begins_with_its_part(history: tuple[Path, Any]) -> None:
    with account_in(history[0]) as replay:
        store = replay.desk.store
        records = store.decisions.final_decisions()
        assert [record.strategy for record in records] == [*NAMES] * PLAYED
        capital = {name: store.ledger.movements(name)[0] for name in NAMES}
        assert {name: (one.kind, one.amount_usd) for name, one in capital.items()} == {
            "core": ("capital", Decimal(15000)),
            "timing": ("capital", Decimal(9000)),
            "switch": ("capital", Decimal(6000)),
        }


def test_all_three_trade_and_each_order_is_its_sleeves(history: tuple[Path, list[dict[str, Any]]]) -> None:
    with account_in(history[0]) as replay:
        states = replay.desk.store.orders.states()
    assert {state.intent.strategy for state in states} == {*NAMES}
    assert len({state.intent.id for state in states}) == len(states)
    first = history[1][0]
    # 15,000 / (54.54 x 1.006) = 273.4 at the first session
    assert [order["shares"] for order in first["sleeves"]["core"]["orders"]] == [
        int(15000 / (first["symbols"]["AAA"]["indicators"]["close"] * 1.006))
    ]


def test_the_document_has_the_account_at_the_top_and_each_sleeve_below(
    history: tuple[Path, list[dict[str, Any]]],
) -> None:
    for document in history[1]:
        assert list(document["sleeves"]) == [*NAMES]
        assert document["strategy"] == "core, timing, switch"
        own = [order["id"] for one in document["sleeves"].values() for order in one["orders"]]
        assert sorted(own) == sorted(order["id"] for order in document["orders"])
        assert set(document["symbols"]) == {"MTUM", "AAA", "BBB"}
        assert document["exit_code"] == 0, document["problems"]


def test_the_sleeves_add_up_to_the_account_at_every_session(history: tuple[Path, list[dict[str, Any]]]) -> None:
    with account_in(history[0]) as replay:
        store = replay.desk.store
        points = {name: store.ledger.equity(name) for name in NAMES}
        for number, document in enumerate(history[1]):
            total = sum(points[name][number].equity_usd for name in NAMES)
            assert document["equity_usd"] == pytest.approx(float(total), abs=1e-6)
        cash = sum(points[name][-1].cash_usd for name in NAMES)
        lots = dict.fromkeys(("MTUM", "AAA", "BBB"), 0)
        for name in NAMES:
            for lot in store.ledger.lots(name):
                lots[lot.symbol] += lot.shares
    (account,) = exchange_in(history[0]).accounts
    assert float(account.cash) == pytest.approx(float(cash), abs=1e-6)
    held = {one.symbol: int(one.shares) for one in account.positions}
    assert {symbol: shares for symbol, shares in lots.items() if shares} == held


def test_no_sleeve_spends_anothers_cash(history: tuple[Path, Any]) -> None:
    with account_in(history[0]) as replay:
        for name in NAMES:
            cash = Decimal(0)
            for movement in replay.desk.store.ledger.movements(name):
                cash += movement.amount_usd
            assert cash >= 0
            assert min(point.cash_usd for point in replay.desk.store.ledger.equity(name)) >= 0


def test_everything_replays_and_the_books_add_up(history: tuple[Path, Any]) -> None:
    with account_in(history[0]) as replay:
        desk = replay.desk
        found = verify(desk.store, desk.settings, desk.provenance)
        assert (found.document["decisions"], found.document["failed"]) == (3 * PLAYED, 0)
        assert book_problems(desk.store) == ()


def test_a_sleeve_alone_does_what_it_does_among_others(history: tuple[Path, Any], tmp_path: Path) -> None:
    # Settled cash is each sleeve's own, so that the others change nothing for it.
    write_three(tmp_path)
    text = (tmp_path / "config.toml").read_text()
    head, _, rest = text.partition("[sleeve.core]")
    (tmp_path / "config.toml").write_text(head + "[sleeve.timing]" + rest.partition("[sleeve.timing]")[2])
    with account_in(tmp_path) as replay, account_in(history[0]) as among:
        played(replay, PLAYED)
        for name in ("timing", "switch"):
            alone = [fill.cash_usd for fill in replay.desk.store.orders.fills(name)]
            assert alone == [fill.cash_usd for fill in among.desk.store.orders.fills(name)]
            assert alone


def test_a_sleeve_of_weight_one_does_to_the_last_digit_what_the_strategy_does_without_sleeves(tmp_path: Path) -> None:
    equity = []
    for number, text in enumerate(
        (
            '[market]\nsource = "csv"\n[portfolio]\nstrategy = "mtum_confluence"\n',
            '[market]\nsource = "csv"\n[sleeve.mtum_confluence]\nstrategy = "mtum_confluence"\nweight = 1\n'
            "[risk]\nmax_daily_loss_usd = 500\nmax_position_usd = 5000\nmax_daily_loss_frac = 'none'\n",
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_three(folder)
        (folder / "config.toml").write_text(text)
        with account_in(folder) as replay:
            documents = played(replay, 20)
            store = replay.desk.store
            frames = [record.frame for record in store.decisions.final_decisions()]
            equity.append((frames, store.ledger.equity("mtum_confluence"), [one["orders"] for one in documents]))
    assert equity[0] == equity[1]


@dataclass(frozen=True, slots=True)
class Breaking(BuyAndHold):
    """Holds, and ends in an error once it holds something."""

    name: ClassVar[str] = "breaking"

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Break as soon as there is something to lose."""
        if any(holding.shares for holding in own.holdings.values()):
            raise RuntimeError("a mistake of the strategy")
        return BuyAndHold.verdicts(self, view, own)


def switched(documents: list[dict[str, Any]]) -> list[Any]:
    return [[(order["id"], order["shares"]) for order in one["sleeves"]["switch"]["orders"]] for one in documents]


def others(documents: list[dict[str, Any]]) -> list[Any]:
    names = ("timing", "switch")
    return [
        [(o["id"], o["shares"], o["filled"]) for n in names for o in one["sleeves"][n]["orders"]] for one in documents
    ]


def test_an_error_in_one_strategy_leaves_the_others_orders_as_they_are(
    history: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    write_three(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Breaking.name, Breaking)
        with account_in(tmp_path, changes={"sleeve.core.strategy": "breaking"}) as replay:
            documents = played(replay, 12)
            assert others(documents) == others(history[1][:12])
            second = documents[1]
            assert second["exit_code"] == 1
            (told,) = [one["text"] for one in second["problems"]]
            assert told.startswith("core: its strategy ended in an error and nothing was ordered for it")
            assert (second["sleeves"]["core"]["action"], second["sleeves"]["core"]["reasons"]) == (
                "none",
                ["strategy_failed"],
            )
            assert "core/AAA" in second["undecided"]
            found = verify(replay.desk.store, replay.desk.settings, replay.desk.provenance)
            assert found.document["failed"] == 0


def test_an_unfit_symbol_stops_the_sleeve_that_holds_it_alone(
    history: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    write_three(tmp_path)
    file = tmp_path / "bars" / "MTUM.csv"
    lines = file.read_text().splitlines()
    with account_in(tmp_path) as replay:
        session = replay.upcoming()
        assert session is not None
        gone = session.day + timedelta(days=9)
    file.write_text("\n".join(line for line in lines if not line.startswith(str(gone))) + "\n")
    with account_in(tmp_path) as replay:
        documents = played(replay, 12)
        number = next(n for n, one in enumerate(documents) if one["session"] == str(gone))
        assert "MTUM" in documents[number]["degraded"]
        assert "timing/MTUM" in documents[number]["undecided"]
        assert switched(documents) == switched(history[1][:12])
        assert verify(replay.desk.store, replay.desk.settings, replay.desk.provenance).document["failed"] == 0


def test_a_sleeve_that_is_gone_and_holds_shares_is_refused_with_the_way_out(
    history: tuple[Path, Any], tmp_path: Path
) -> None:
    write_three(tmp_path)
    with account_in(tmp_path) as replay:
        played(replay, 1)
    text = (tmp_path / "config.toml").read_text()
    head, _, rest = text.partition("[sleeve.core]")
    without = head + "[sleeve.timing]" + rest.partition("[sleeve.timing]")[2]
    (tmp_path / "config.toml").write_text(without)
    with account_in(tmp_path) as replay:
        (document,) = played(replay, 1)
        assert document["exit_code"] == 2
        assert '[sleeve.core] with state = "close" to sell' in document["problems"][0]["text"]
        assert document["orders"] == []
    (tmp_path / "config.toml").write_text(text.replace("weight = 0.5", 'weight = 0.5\nstate = "close"'))
    with account_in(tmp_path) as replay:
        sold = played(replay, 1)[0]["sleeves"]["core"]
        assert [(order["side"], order["status"]) for order in sold["orders"]] == [("SELL", "FILLED")]
        assert sold["reasons"] == ["sleeve_closed"]
    (tmp_path / "config.toml").write_text(without)
    with account_in(tmp_path) as replay:
        assert played(replay, 1)[0]["exit_code"] == 0


@pytest.mark.parametrize(("state", "decisions"), [("reduce_only", 3), ("off", 2)])
def test_a_sleeve_that_may_not_enter_or_is_off_buys_nothing(tmp_path: Path, state: str, decisions: int) -> None:
    write_three(tmp_path)
    with account_in(tmp_path, changes={"sleeve.core.state": state}) as replay:
        (first,) = played(replay, 1)
        assert len(first["sleeves"]) == decisions
        assert not [one for one in replay.desk.store.orders.states() if one.intent.strategy == "core"]


def test_a_flatten_closes_what_a_sleeve_that_is_off_holds_and_all_off_verifies(tmp_path: Path) -> None:
    write_three(tmp_path)
    with account_in(tmp_path) as replay:
        played(replay, 1)
        held = sum(lot.shares for lot in replay.desk.store.ledger.lots("core"))
    every = {f"sleeve.{name}.state": "off" for name in NAMES}
    with account_in(tmp_path, changes=every) as replay:
        (idle,) = played(replay, 1)
        assert (idle["exit_code"], idle["orders"], idle["problems"]) == (0, [], [])
    with account_in(tmp_path, changes={"sleeve.core.state": "off"}) as replay:
        request_flatten(replay.desk, "AAA", "enough of it", "core")
        played(replay, 1)
        desk = replay.desk
        (sold,) = [one for one in desk.store.orders.states() if one.intent.reasons == ("flatten",)]
        assert (sold.intent.strategy, sold.intent.side.value, sold.filled) == ("core", "SELL", held)
        assert held > 0
        assert desk.store.ledger.lots("core") == ()
        assert desk.store.statements.flatten_requests("core") == ()
        found = verify(desk.store, desk.settings, desk.provenance)
        assert (found.exit_code, found.document["problems"]) == (0, [])


def test_a_sleeve_added_later_begins_with_what_no_sleeve_owns_and_says_so(tmp_path: Path) -> None:
    write_three(tmp_path)
    text = (tmp_path / "config.toml").read_text().replace("weight = 0.2", "weight = 0.1")
    head, _, rest = text.partition("[sleeve.core]")
    core, _, others_text = rest.partition("[sleeve.timing]")
    (tmp_path / "config.toml").write_text(head + "[sleeve.timing]" + others_text)
    with account_in(tmp_path) as replay:
        played(replay, 1)
    # 30,000 less 9,000 and 3,000 leave 18,000 that nobody owns; core would have 19,500.
    (tmp_path / "config.toml").write_text(
        (head + "[sleeve.core]" + core + "[sleeve.timing]" + others_text)
        .replace("weight = 0.5", "weight = 0.65")
        .replace("weight = 0.3", "weight = 0.25")
    )
    with account_in(tmp_path) as replay:
        (second,) = played(replay, 1)
        (capital,) = [one for one in replay.desk.store.ledger.movements("core") if one.kind == "capital"]
        assert float(capital.amount_usd) == pytest.approx(18000)
        assert any(one["text"].startswith("core begins with 18,000.00 USD") for one in second["problems"])
        assert second["exit_code"] == 0


def test_the_strategy_that_ran_alone_leaves_its_money_to_the_sleeves(tmp_path: Path) -> None:
    write_three(tmp_path)
    text = (tmp_path / "config.toml").read_text()
    (tmp_path / "config.toml").write_text(
        '[market]\nsource = "csv"\n[portfolio]\ncapital_usd = 30000\nstrategy = "buy_and_hold"\n'
        '[risk]\nmax_position_usd = 1\n[strategy.buy_and_hold]\nsymbol = "AAA"\n'
    )
    with account_in(tmp_path) as replay:
        played(replay, 1)
    (tmp_path / "config.toml").write_text(text)
    with account_in(tmp_path) as replay:
        (second,) = played(replay, 1)
        ledger = replay.desk.store.ledger
        owned = {name: sum(m.amount_usd for m in ledger.movements(name) if m.kind == "capital") for name in NAMES}
        assert owned == {"core": Decimal(15000), "timing": Decimal(9000), "switch": Decimal(6000)}
        assert sum(m.amount_usd for m in ledger.movements("buy_and_hold")) == 0
        assert second["exit_code"] == 0, second["problems"]


def test_a_watched_sleeve_trades_virtual_money_and_sends_nothing(
    history: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    write_three(tmp_path)
    with account_in(tmp_path, changes={"sleeve.switch.state": "watch", "sleeve.switch.virtual_usd": 6000}) as replay:
        documents = played(replay, PLAYED)
        store = replay.desk.store
        assert {state.intent.strategy for state in store.orders.states()} == {"core", "timing"}
        assert store.ledger.movements("switch") == ()
        watched = [record for record in store.decisions.final_decisions() if record.strategy == "switch"]
        assert [record.document["virtual"] for record in watched] == [True] * PLAYED
        # With the same money it decides as the sleeve that trades: filled at the close, at the same cost.
        assert [record.document["planned"] for record in watched[:6]] == [
            [
                {name: order[name] for name in ("symbol", "side", "purpose", "shares", "reasons")}
                for order in document["sleeves"]["switch"]["orders"]
            ]
            for document in history[1][:6]
        ]
        assert documents[0]["sleeves"]["switch"]["virtual"] is True
        held = [record.frame["book"]["holdings"] for record in watched]
        assert any(one["shares"] for book in held for one in book.values())
        assert verify(store, replay.desk.settings, replay.desk.provenance).document["failed"] == 0
        assert book_problems(store) == ()
        core = [one["sleeves"]["core"]["orders"][:1] for one in documents]
        assert [[(o["id"], o["filled"]) for o in one] for one in core] == [
            [(o["id"], o["filled"]) for o in one["sleeves"]["core"]["orders"][:1]] for one in history[1]
        ]
