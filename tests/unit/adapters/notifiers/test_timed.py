from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event, current_thread

import pytest

from mtum.adapters.notifiers.wrapped import Timed
from mtum.config import load
from mtum.errors import NotifyError
from mtum.ports.messages import Message, Urgency
from mtum.wiring.channels import SEND_SECONDS, TALK_SECONDS, channels_of, is_anybody_told

ALARM = Message("k", Urgency.ACT_NOW, "ACTION", "text")


@dataclass
class Slow:
    """A channel that takes a message only when told that it may."""

    name: str = "notify:slow"
    may: Event = field(default_factory=Event)
    taken: list[Message] = field(default_factory=list)
    daemon: bool = False

    def send(self, message: Message) -> None:
        self.daemon = current_thread().daemon
        assert self.may.wait(20)
        self.taken.append(message)


class Broken:
    name = "mail:owner"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, message: Message) -> None:
        raise self.error


def test_a_channel_that_hangs_is_given_up_and_does_not_keep_the_process_from_ending() -> None:
    slow = Slow()
    try:
        with pytest.raises(NotifyError, match=r"^no answer within 0\.05 s"):
            Timed(slow, 0.05).send(ALARM)
        assert slow.daemon
        assert slow.taken == []
    finally:
        slow.may.set()


def test_a_channel_in_time_delivers_under_its_own_name() -> None:
    quick = Slow()
    quick.may.set()
    timed = Timed(quick, 5)
    timed.send(ALARM)
    assert (timed.name, quick.taken) == ("notify:slow", [ALARM])


def test_what_a_channel_logs_bears_the_run_it_works_for() -> None:
    """Its thread is its own, the run and session on its log lines are those of the thread that waits."""
    run: ContextVar[str] = ContextVar("run", default="none")

    class Asking(Slow):
        def send(self, message: Message) -> None:
            self.name = run.get()

    asking = Asking()
    run.set("run 7")
    Timed(asking, 5).send(ALARM)
    assert asking.name == "run 7"


def test_a_refusal_is_raised_unchanged() -> None:
    refusal = NotifyError("550 no such user")
    with pytest.raises(NotifyError) as raised:
        Timed(Broken(refusal), 5).send(ALARM)
    assert raised.value is refusal


def test_a_bug_in_a_channel_is_an_undelivered_message_that_shows_none_of_its_words() -> None:
    with pytest.raises(NotifyError) as raised:
        Timed(Broken(ValueError("password hunter2")), 5).send(ALARM)
    assert str(raised.value) == "an error in the channel (ValueError); details in the log"


def test_every_channel_of_the_settings_is_bounded_well_below_fifteen_seconds() -> None:
    mail = {"mail.host": "127.0.0.1", "mail.sender": "m@example.org", "mail.recipients": ["a@example.org"]}
    settings = load(None, {}, {**mail, "mail.timeout_seconds": 60})
    environment = {"MTUM_NOTIFY__URLS": "ntfy://host/topic json://127.0.0.1:9"}
    channels = channels_of(settings, environment)
    assert [channel.name for channel in channels] == ["mail:a@example.org", "notify:ntfy", "notify:json"]
    assert all(isinstance(channel, Timed) for channel in channels)
    assert TALK_SECONDS < SEND_SECONDS <= 10


def test_a_terminal_is_nobody_who_is_told() -> None:
    assert not is_anybody_told(load(None, {}), {})
    assert is_anybody_told(load(None, {}), {"MTUM_NOTIFY__URLS": "json://127.0.0.1:9"})
    mail = {"mail.host": "h", "mail.sender": "m@example.org", "mail.recipients": ["a@example.org"]}
    assert is_anybody_told(load(None, {}, mail), {})
