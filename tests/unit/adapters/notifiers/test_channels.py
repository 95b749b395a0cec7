import io

import pytest

from mtum.adapters.notifiers.apprise_channel import AppriseChannel, addresses, channels_named, service, short
from mtum.adapters.notifiers.console import Console
from mtum.errors import NotifyError
from mtum.ports.messages import Message, Urgency
from support.ports import closed_port

ALARM = Message("k", Urgency.ACT_NOW, "ACTION: order rejected", "code 201\ncall the broker")
REPORT = Message("r", Urgency.REPORT, "HOLD 24", "line one\n" + "x" * 400)


def test_the_terminal_shows_an_alarm_whole_and_of_a_report_the_subject() -> None:
    out = io.StringIO()
    Console(out).send(ALARM)
    Console(out).send(REPORT)
    assert out.getvalue() == "[act_now] ACTION: order rejected\ncode 201\ncall the broker\n[report] HOLD 24\n"


def test_a_closed_terminal_is_an_undelivered_message() -> None:
    out = io.StringIO()
    out.close()
    with pytest.raises(NotifyError):
        Console(out).send(ALARM)


def test_a_report_is_cut_at_a_line_and_an_alarm_is_not() -> None:
    assert short(REPORT) == "line one"
    assert short(ALARM) == ALARM.text


def test_addresses_are_told_apart_though_they_hold_commas() -> None:
    text = "ntfy://host/topic?tags=a,b, tgram://123:abc/77\nmailto://x:y@host"
    assert addresses(text) == ("ntfy://host/topic?tags=a,b", "tgram://123:abc/77", "mailto://x:y@host")
    assert addresses(None) == ()


def test_the_name_of_a_channel_shows_nothing_of_its_address() -> None:
    assert service("tgram://123456:token/chat") == "tgram"
    assert AppriseChannel("tgram://123456:token/chat").name == "notify:tgram"


def test_two_addresses_of_one_service_are_two_channels() -> None:
    """Under one name they would share one entry of the outbox, and the second would never be told."""
    found = channels_named("ntfy://host/mine json://h ntfy://host/hers")
    assert [channel.name for channel in found] == ["notify:ntfy", "notify:json", "notify:ntfy-2"]


def test_without_the_library_the_message_stays_undelivered_and_says_what_is_missing() -> None:
    try:
        import apprise  # noqa: F401
    except ImportError:
        with pytest.raises(NotifyError, match="dependency group notify"):
            AppriseChannel(f"json://127.0.0.1:{closed_port()}").send(ALARM)
    else:
        with pytest.raises(NotifyError, match="did not take"):
            AppriseChannel(f"json://127.0.0.1:{closed_port()}").send(ALARM)
