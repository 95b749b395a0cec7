"""Settings from file, environment and single changes; every mistake at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mtum import config
from mtum.errors import ConfigError

MAIL = {"mail.host": "mail.example.org", "mail.sender": "m@example.org", "mail.recipients": ["o@example.org"]}


def problems(
    text: str = "", environment: Mapping[str, str] | None = None, folder: Path | None = None, **changes: Any
) -> tuple[str, ...]:
    """What is wrong with these settings."""
    path = None
    if folder is not None:
        path = folder / "config.toml"
        path.write_text(text, encoding="utf-8")
    named = {name.replace("__", "."): value for name, value in changes.items()}
    with pytest.raises(ConfigError) as caught:
        config.load(path, environment or {}, named)
    return caught.value.problems


def test_a_change_beats_the_environment_and_the_environment_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[portfolio]\ncapital_usd = 1000\ncost_frac = 0.002\nmax_position_frac = 0.5\n")
    environment = {"MTUM_PORTFOLIO__CAPITAL_USD": "2000", "MTUM_PORTFOLIO__COST_FRAC": "0.003"}
    found = config.load(path, environment, {"portfolio.capital_usd": 3000}).portfolio
    assert (found.capital_usd, found.cost_frac, found.max_position_frac) == (3000.0, 0.003, 0.5)


@pytest.mark.parametrize(
    ("variable", "text", "section", "name", "expected"),
    [
        ("MTUM_BROKER__PORT", "4001", "broker", "port", 4001),
        ("MTUM_BROKER__ACCOUNT", "DU1234567", "broker", "account", "DU1234567"),
        ("MTUM_PORTFOLIO__CAPITAL_USD", "1e12", "portfolio", "capital_usd", 1e12),
        ("MTUM_RISK__MAX_DRAWDOWN_FRAC", "none", "risk", "max_drawdown_frac", None),
        ("MTUM_RISK__REQUIRE_CONFIRMATION", "true", "risk", "require_confirmation", True),
        ("MTUM_RISK__REQUIRE_CONFIRMATION", "all", "risk", "require_confirmation", "all"),
        ("MTUM_RISK__EXIT_FALLBACK", "none", "risk", "exit_fallback", "none"),
    ],
)
def test_text_of_the_environment_becomes_the_value_it_spells(
    variable: str, text: str, section: str, name: str, expected: object
) -> None:
    found = getattr(getattr(config.load(None, {variable: text}), section), name)
    assert (found, type(found)) == (expected, type(expected))


def test_a_list_of_the_environment_becomes_one() -> None:
    rest = {"MTUM_MAIL__HOST": "mail.example", "MTUM_MAIL__SENDER": "m@example"}
    mail = config.load(None, {**rest, "MTUM_MAIL__RECIPIENTS": '["a@example", "b@example"]'}).mail
    assert mail.recipients == ("a@example", "b@example")


def test_the_mode_and_the_strategy_can_be_set_from_the_environment() -> None:
    environment = {
        "MTUM_MODE": "paper",
        "MTUM_BROKER__ACCOUNT": "DU1",
        "MTUM_MARKET__SOURCE": "yahoo",
        "MTUM_STRATEGY__MTUM_CONFLUENCE__MA_SESSIONS": "60",
    }
    settings = config.load(None, environment)
    assert settings.mode == "paper"
    assert settings.document()["strategy"]["mtum_confluence"]["ma_sessions"] == 60


def test_variables_of_other_programs_and_the_known_ones_are_left_alone() -> None:
    environment = {"PATH": "/bin", "MTUM_CONFIG": "x", "MTUM_DATA_DIR": "y", "MTUM_MAIL__PASSWORD_FILE": "z"}
    assert config.load(None, environment) == config.load(None, {})


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    (problem,) = problems(environment={"MTUM_BROKER__PROT": "4002"})
    assert problem == "environment MTUM_BROKER__PROT: unknown setting; did you mean MTUM_BROKER__PORT?"
    (problem,) = problems(environment={"MTUM_MAIL__PASWORD": "x"})
    assert problem.endswith("did you mean MTUM_MAIL__PASSWORD?")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("brokr.port", "broker.port"),
        ("mial.prot", "mail.port"),
        ("portfolio.max_daily_loss_usd", "risk.max_daily_loss_usd"),
        ("strategy.buy_and_hold.symbl", "strategy.buy_and_hold.symbol"),
        ("strategy.mtum_confluence.symbl", "strategy.mtum_confluence.symbol"),
    ],
)
def test_the_nearest_name_fits_in_its_last_part_and_then_in_its_section(name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(None, {}, {name: 1})
    assert f"{name}: unknown setting; did you mean {meant}?" in caught.value.problems


def test_a_section_nobody_knows_is_refused_even_when_it_is_empty(tmp_path: Path) -> None:
    (problem,) = problems("[mail]\n[brokr]\n", folder=tmp_path)
    assert problem.startswith("brokr: unknown setting")


def test_a_wrong_word_for_a_setting_of_two_kinds_is_named_once() -> None:
    (problem,) = problems(risk__require_confirmation="some")
    assert "boolean" in problem
    assert "'all', found 'some'" in problem


def test_a_file_as_some_editors_save_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[portfolio]\r\ncapital_usd = 6000\r\n")
    assert config.load(path, {}).portfolio.capital_usd == 6000.0


def test_a_file_that_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('mode = "practice"\n', encoding="utf-16")
    with pytest.raises(ConfigError, match="byte 0 is not UTF-8"):
        config.load(path, {})


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = """
    mode = "demo"
    [portfolio]
    capital_usd = -5
    captial_usd = 5
    [risk]
    max_daily_loss_usd = "much"
    [strategy.mtum_confluence]
    ma_sessions = 1
    [brokr]
    port = 1
    """
    found = problems(text, {"MTUM_NONSENSE": "1"}, tmp_path, schedule__last_send_minutes=500)
    begun = sorted(line.split(":")[0].split(" is ")[0] for line in found)
    assert begun == [
        "brokr.port",
        "environment MTUM_NONSENSE",
        "mode",
        "portfolio.capital_usd",
        "portfolio.captial_usd",
        "risk.max_daily_loss_usd",
        "schedule.last_send_minutes",
        "strategy.mtum_confluence.ma_sessions",
    ]


@pytest.mark.parametrize("given", [0, -1, 1.1e12, float("nan"), float("inf")])
def test_an_amount_is_above_zero_and_at_most_1e12(given: float) -> None:
    (problem,) = problems(risk__max_position_usd=given)
    assert problem.startswith("risk.max_position_usd: ")


def test_an_amount_of_1e12_stands_for_no_limit(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[risk]\nmax_daily_loss_usd = 1e12\nmax_position_usd = 1e12\n[portfolio]\ncapital_usd = 1e12\n")
    settings = config.load(path, {})
    assert settings.risk.max_daily_loss_usd == settings.portfolio.capital_usd == 1e12


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"portfolio.strategy": "mtum_conflunce"},
            "portfolio.strategy: no strategy 'mtum_conflunce'; did you mean mtum",
        ),
        ({"schedule.last_send_minutes": 9.9}, "schedule.last_send_minutes: below 10"),
        ({"schedule.window_opens_minutes": 19}, "schedule.window_opens_minutes: 19 minutes before the close is later"),
        ({"schedule.snapshot_minutes": 17}, "schedule.snapshot_minutes: 17 minutes"),
        ({"schedule.last_send_minutes": 17.2}, "schedule.decision_deadline_minutes: 17 minutes"),
        ({"mode": "paper", "broker.account": "DU1"}, 'market.source: "sample" replays history'),
        ({"mode": "paper", "market.source": "yahoo"}, "broker.account: required"),
        (
            {"mode": "live", "market.source": "yahoo", "broker.account": "U1", "broker.live_account": "U1"},
            "market.source",
        ),
        ({"mode": "live", "market.source": "ib", "broker.account": "U1"}, "broker.live_account: must repeat"),
        (
            {"mode": "live", "market.source": "ib", "broker.account": "U1", "broker.live_account": "U2"},
            "broker.live_account: must repeat",
        ),
        (
            {"mode": "paper", "market.source": "ib", "broker.account": "U1234567"},
            "broker.account: U1234567 is a live account (paper ones begin with D)",
        ),
        (
            {"mode": "live", "market.source": "ib", "broker.account": "DU1", "broker.live_account": "DU1"},
            "broker.account: DU1 is a paper account",
        ),
        (
            {"strategy.mtum_confluence.vix_entry_below": 40},
            "strategy.mtum_confluence.vix_entry_below: 40 is over vix_exit_above (30)",
        ),
        (
            {"strategy.mtum_confluence.rsi_exit_below": 60},
            "strategy.mtum_confluence.rsi_entry_above: 50 is under rsi_exit_below (60)",
        ),
        ({"market.source": "yahoo", "market.dividend_source": "file"}, 'market.dividend_source: is for source "ib"'),
        ({**MAIL, "mail.host": ""}, "mail.host: missing, while mail.sender is set"),
        ({**MAIL, "mail.sender": ""}, "mail.sender: missing, while mail.host is set"),
        ({**MAIL, "mail.recipients": []}, "mail.recipients: missing, while mail.host is set"),
        ({**MAIL, "mail.user": "me", "mail.security": "none"}, 'mail.security: "none" would send the password of me'),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(None, {}, changes)
    (problem,) = caught.value.problems
    assert problem.startswith(named)


@pytest.mark.parametrize("source", ["sample", "csv", "yahoo"])
def test_one_wrong_source_is_one_line(source: str) -> None:
    account = {"broker.account": "U1", "broker.live_account": "U1"}
    with pytest.raises(ConfigError) as refused:
        config.load(None, {}, {"mode": "live", "market.source": source, **account})
    (line,) = refused.value.problems
    assert line.startswith(f'market.source: "{source}" ')
    assert line.endswith('; mode "live" needs "ib"')


def test_equal_thresholds_contradict_nothing_and_a_study_crosses_points_that_do() -> None:
    equal = {"strategy.mtum_confluence.vix_entry_below": 30, "strategy.mtum_confluence.rsi_exit_below": 50}
    config.load(None, {}, equal)
    crossed = config.load(None, {}, {"strategy.mtum_confluence.vix_entry_below": 40}, coherent=False)
    assert crossed.document()["strategy"]["mtum_confluence"]["vix_entry_below"] == 40


def test_wrong_values_hide_no_contradiction() -> None:
    found = problems(
        mode="paper",
        market__source="ib",
        broker__account="U1234567",
        portfolio__capital_usd=-1,
        mail__host="mail.example.org",
        strategy__mtum_confluence__vix_entry_below=40,
    )
    assert [line.split(":")[0] for line in found] == [
        "broker.account",
        "mail.recipients",
        "mail.sender",
        "portfolio.capital_usd",
        "strategy.mtum_confluence.vix_entry_below",
    ]


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("mail.recipients", ["o@example.org", "not an address"], ["Owner <o@example.org>", "ö@example"]),
        ("mail.recipients", [""], ["o@localhost"]),
        ("mail.sender", "mtum", "mtum <m@example.org>"),
        ("mail.sender", "a@b, c@d", "m@example.org"),
        ("mail.host", "smtp://mail.example.org", "mail.example.org"),
        ("mail.host", "mail.example.org:587", "::1"),
        ("broker.host", "my gateway", "gateway_1"),
        ("market.yahoo_url", "notaurl", "http://127.0.0.1:8000/base"),
        ("market.yahoo_url", "https://", ""),
    ],
)
def test_what_names_an_address_or_a_machine_must_be_one(name: str, wrong: object, right: object) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(None, {}, {**MAIL, name: wrong})
    (problem,) = caught.value.problems
    assert problem.startswith(name)
    assert "needed, " in problem
    config.load(None, {}, {**MAIL, name: right})


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"MTUM_NOTIFY__PING_URL": "notaurl"}, "notify.ping_url (MTUM_NOTIFY__PING_URL): "),
        ({"MTUM_NOTIFY__PING_URL": "ftp://secret/x"}, "notify.ping_url (MTUM_NOTIFY__PING_URL): "),
        ({"MTUM_NOTIFY__URLS": "ntfy://topic secret"}, "notify.urls (MTUM_NOTIFY__URLS): "),
        ({"MTUM_MAIL__USER": "me"}, "mail.user: set, and its password is missing"),
    ],
)
def test_a_secret_that_cannot_work_is_named_and_not_shown(environment: Mapping[str, str], named: str) -> None:
    settings = config.load(None, environment, MAIL)
    (problem,) = config.secret_problems(settings, environment)
    assert problem.startswith(named)
    assert "secret" not in problem
    sound = {
        "MTUM_NOTIFY__PING_URL": "https://hc.example/x",
        "MTUM_NOTIFY__URLS": "ntfy://topic, json://host:1",
        "MTUM_MAIL__PASSWORD": "x",
    }
    assert config.secret_problems(settings, {**environment, **sound}) == []


def test_live_needs_the_account_twice_and_the_brokers_own_data() -> None:
    changes = {"mode": "live", "market.source": "ib", "broker.account": "U1", "broker.live_account": "U1"}
    assert config.load(None, {}, changes).mode == "live"


def test_late_sending_can_be_accepted() -> None:
    changes = {"schedule.last_send_minutes": 5, "schedule.allow_late_send": True}
    assert config.load(None, {}, changes).schedule.last_send_minutes == 5.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("mode = practice", "not valid TOML"),
        ("market = 3", "market: a section; write [market]"),
        ("mode", "TOML"),
    ],
)
def test_a_file_that_is_no_table_of_settings_is_refused_in_words(tmp_path: Path, text: str, named: str) -> None:
    assert any(named in problem for problem in problems(text, folder=tmp_path))


def test_a_section_that_is_a_value_is_named_when_something_is_put_into_it(tmp_path: Path) -> None:
    found = problems("broker = 3", {"MTUM_BROKER__PORT": "4002"}, tmp_path)
    assert "broker.port: its section is not a table; write [broker] above it" in found


def test_a_named_file_must_exist_and_the_default_one_need_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.find(None, {}) is None
    with pytest.raises(ConfigError, match="does not exist"):
        config.find(tmp_path / "other.toml", {})
    with pytest.raises(ConfigError, match="does not exist"):
        config.find(None, {"MTUM_CONFIG": str(tmp_path / "other.toml")})


def test_a_given_file_beats_the_named_one_and_that_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    default, named, given = Path("config.toml"), tmp_path / "named.toml", tmp_path / "given.toml"
    for path in (default, named, given):
        path.touch()
    assert config.find(given, {"MTUM_CONFIG": str(named)}) == given
    assert config.find(None, {"MTUM_CONFIG": str(named)}) == named
    assert config.find(None, {}) == default


def test_a_secret_comes_from_its_variable_or_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from file\n", encoding="utf-8")
    both = {"MTUM_MAIL__PASSWORD": "from variable", "MTUM_MAIL__PASSWORD_FILE": str(file)}
    assert config.secret("mail.password", both) == "from variable"
    assert config.secret("mail.password", {"MTUM_MAIL__PASSWORD_FILE": str(file)}) == "from file"
    assert config.secret("mail.password", {"MTUM_MAIL__PASSWORD": ""}) is None


def test_a_secret_whose_file_is_gone_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MTUM_MAIL__PASSWORD_FILE"):
        config.secret("mail.password", {"MTUM_MAIL__PASSWORD_FILE": str(tmp_path / "gone")})
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        config.secret("mail.password", {"MTUM_MAIL__PASSWORD_FILE": str(tmp_path / "picture")})


def test_secrets_are_no_settings_of_the_file(tmp_path: Path) -> None:
    (problem,) = problems('[mail]\npassword = "x"\n', folder=tmp_path)
    assert problem.startswith("mail.password: a secret never stands in the settings")
    assert problem.endswith("MTUM_MAIL__PASSWORD")


def test_a_stored_document_gives_the_same_settings_again() -> None:
    changes = {
        "risk.max_drawdown_frac": 0.2,
        "strategy.mtum_confluence.rsi_smoothing": "wilder",
        "mail.host": "mail.example",
        "mail.sender": "m@example",
        "mail.recipients": ["a@example"],
    }
    settings = config.load(None, {}, changes)
    assert config.restored(settings.document()) == settings


def test_what_this_program_no_longer_knows_is_left_out_of_an_old_document() -> None:
    document = config.load(None, {}, {"portfolio.capital_usd": 7000}).document()
    document["market"]["ticker_tape"] = 3
    document["telegraph"] = {"key": "x"}
    document["strategy"]["mtum_confluence"]["moon_phase"] = 0.5
    document["strategy"]["given_up"] = {"symbol": "X"}
    assert config.restored(document) == config.load(None, {}, {"portfolio.capital_usd": 7000})


def test_an_old_document_whose_mail_would_be_refused_today_still_tells_its_decision() -> None:
    document = config.load(None, {}, {"portfolio.capital_usd": 7000}).document()
    document["mail"]["recipients"] = ["not an address"]
    assert config.restored(document).portfolio.capital_usd == 7000.0


def test_what_an_old_document_did_not_know_takes_its_default() -> None:
    assert config.restored({"mode": "practice", "portfolio": {"capital_usd": 7000}}).broker.port == 4002


@pytest.mark.parametrize(
    "document", [{"portfolio": {"capital_usd": -1}}, {"strategy": {"mtum_confluence": {"ma_sessions": "many"}}}]
)
def test_an_old_document_with_an_impossible_value_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        config.restored(document)


def test_a_switch_where_a_number_or_a_text_belongs_is_refused() -> None:
    changes = {"portfolio.capital_usd": True, "strategy.mtum_confluence.ma_sessions": True, "mail.host": False}
    with pytest.raises(ConfigError) as caught:
        config.load(None, {}, changes)
    assert [line.split(":")[0] for line in caught.value.problems if "found true" in line or "found false" in line] == [
        "mail.host",
        "portfolio.capital_usd",
        "strategy.mtum_confluence.ma_sessions",
    ]
    assert config.load(None, {}, {"risk.require_confirmation": True}).risk.require_confirmation is True


def test_a_switch_of_a_strategy_takes_true_and_nothing_else_of_it_does(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[sleeve.out]\nstrategy = "donchian_breakout"\nweight = 0.5\n[sleeve.out.rules]\nsqueeze_filter = true\n'
    )
    assert config.load(file, {}).document()["sleeve"]["out"]["rules"]["squeeze_filter"] is True
    own = {"strategy.donchian_breakout.squeeze_filter": True}
    assert config.load(None, {}, own).document()["strategy"]["donchian_breakout"]["squeeze_filter"] is True
    with pytest.raises(ConfigError) as caught:
        config.load(file, {}, {"sleeve.out.rules.max_units": True})
    assert caught.value.problems == ("sleeve.out.rules.max_units: input should be a number or a text, found true",)


def test_an_account_of_digits_in_the_environment_stays_text() -> None:
    assert config.load(None, {"MTUM_BROKER__ACCOUNT": "123456"}).broker.account == "123456"


def test_an_index_is_nothing_to_trade() -> None:
    with pytest.raises(ConfigError, match="VIX is an index; only stocks and ETFs are traded"):
        config.load(None, {}, {"strategy.mtum_confluence.symbol": "VIX"})


def test_settings_that_are_a_folder_are_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match=r"config\.toml is a folder, not a file; remove it"):
        config.find(None, {})


def test_a_strategy_is_called_by_its_other_name_wherever_it_may_be_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[portfolio]\nstrategy = "momentum_scalper"\n[strategy.momentum_scalper]\nmax_positions = 2\nburst_atr = 2.5\n'
        '[sleeve.fast]\nstrategy = "momentum_scalper"\nweight = 0.5\n[sleeve.fast.rules]\nmax_sessions = 3\n'
        '[strategy.ensemble]\nmembers = [{strategy = "momentum_scalper", rules = {max_sessions = 4}}]\n'
    )
    environment = {"MTUM_STRATEGY__MOMENTUM_SCALPER__RSI_LOW": "60", "MTUM_STRATEGY__MOMENTUM_SCALPER__BURST_ATR": "3"}
    changes = {"strategy.momentum_burst.burst_atr": 2.0, "strategy.momentum_scalper.stop_atr": 0.5}
    document = config.load(file, environment, changes).document()
    assert document["portfolio"]["strategy"] == "momentum_burst"
    shared = document["strategy"]["momentum_burst"]
    assert [shared[name] for name in ("max_positions", "rsi_low", "burst_atr", "stop_atr")] == [2, 60.0, 2.0, 0.5]
    sleeve = document["sleeve"]["fast"]
    assert (sleeve["strategy"], sleeve["rules"]["max_sessions"], sleeve["rules"]["burst_atr"]) == (
        "momentum_burst",
        3,
        2.0,
    )
    (member,) = document["strategy"]["ensemble"]["members"]
    assert (member["strategy"], member["rules"]["max_sessions"]) == ("momentum_burst", 4)
    assert "momentum_scalper" not in str(document)


def test_a_section_under_both_names_of_a_strategy_is_refused(tmp_path: Path) -> None:
    text = "[strategy.momentum_scalper]\nmax_positions = 2\n[strategy.momentum_burst]\nmax_positions = 3\n"
    assert problems(text, folder=tmp_path) == (
        "strategy.momentum_scalper: is another name of momentum_burst, which has a section too; write one of them",
    )


def test_a_day_that_is_none_is_refused_with_one_that_is(tmp_path: Path) -> None:
    text = '[strategy.enhanced_wheel]\nblackout = ["2026-02-30", "28.1.2026", 5]\n'
    place, wish = "strategy.enhanced_wheel.blackout", "input should be a date as 2026-01-28"
    assert problems(text, folder=tmp_path) == (
        f"{place}.0: {wish}, found '2026-02-30'",
        f"{place}.1: {wish}, found '28.1.2026'",
        f"{place}.2: {wish}, found 5",
    )
