"""The stored outbox: what leaves when, and by whom."""

from dataclasses import dataclass, field
from threading import Barrier, Event, Timer

from mtum.app.service.outbox import Outbox
from mtum.errors import NotifyError
from mtum.ports.messages import Message, Urgency
from support.memory_store import MemoryStore
from support.run_contexts import Box, Wall, new_york
from support.values import replace

AT = Wall(new_york("2024-05-15 15:40"))
REPORT = Message("r", Urgency.REPORT, "HOLD 24", "text")
ALARM = Message("a", Urgency.ACT_NOW, "ACTION", "text")


@dataclass
class Posting(Box):
    """A channel during whose work somebody else posts one more message."""

    outbox: list[Outbox] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if self.outbox:
            self.outbox.pop().post(ALARM)
        super().send(message)


@dataclass
class Meeting(Box):
    """A channel that is at work only while another one is too."""

    others: Barrier = field(default_factory=lambda: Barrier(2))

    def send(self, message: Message) -> None:
        self.others.wait(10)
        super().send(message)


def test_what_is_posted_while_another_flush_is_at_work_leaves_with_it() -> None:
    channel = Posting()
    outbox = Outbox(MemoryStore().control, [channel], AT)
    channel.outbox.append(outbox)
    outbox.post(REPORT)
    assert outbox.flush().sent == 2
    assert channel.subjects == ["HOLD 24", "ACTION"]


def test_channels_work_side_by_side() -> None:
    barrier = Barrier(2)
    both = [Meeting("mail", others=barrier), Meeting("sms", others=barrier)]
    outbox = Outbox(MemoryStore().control, both, AT)
    outbox.post(ALARM)
    assert outbox.flush().sent == 2


def test_an_alarm_leaves_before_a_report_that_was_posted_first() -> None:
    channel = Box()
    outbox = Outbox(MemoryStore().control, [channel], AT)
    outbox.post(REPORT)
    outbox.post(ALARM)
    outbox.flush()
    assert channel.subjects == ["ACTION", "HOLD 24"]


def test_a_channel_that_failed_is_not_tried_twice_in_one_flush_and_the_other_is_told() -> None:
    tries: list[str] = []

    class Refusing:
        name = "mail"

        def send(self, message: Message) -> None:
            tries.append(message.subject)
            raise NotifyError("no route")

    other = Box("sms")
    outbox = Outbox(MemoryStore().control, [Refusing(), other], AT)
    outbox.post(ALARM)
    outbox.post(REPORT)
    found = outbox.flush()
    assert tries == ["ACTION"]
    assert other.subjects[0] == "ACTION"
    assert sorted(other.subjects) == ["ACTION", "ACTION: no messages reach mail", "HOLD 24"]
    assert found.failed == (("mail", "no route"),)
    assert found.sent == 3


@dataclass
class Hanging(Box):
    """A channel that hangs until its other end has what it waits for."""

    until: Event = field(default_factory=Event)

    def send(self, message: Message) -> None:
        assert self.until.wait(20)
        super().send(message)


@dataclass
class Announcing(Box):
    """A channel that says when it has an alarm."""

    told: Event = field(default_factory=Event)

    def send(self, message: Message) -> None:
        super().send(message)
        if message.urgency is Urgency.ACT_NOW:
            self.told.set()


def test_what_is_posted_while_one_channel_hangs_does_not_wait_for_it() -> None:
    quick = Announcing("sms")
    slow = Hanging("mail", until=quick.told)
    outbox = Outbox(MemoryStore().control, [slow, quick], AT)
    outbox.post(REPORT)
    posting = Timer(0.05, lambda: outbox.post(ALARM))
    posting.start()
    assert outbox.flush().sent == 4
    posting.join()
    assert quick.subjects == slow.subjects == ["HOLD 24", "ACTION"]


def test_an_alarm_posted_meanwhile_leaves_before_the_reports_still_waiting() -> None:
    channel = Posting()
    outbox = Outbox(MemoryStore().control, [channel], AT)
    channel.outbox.append(outbox)
    for number in range(3):
        outbox.post(replace(REPORT, key=f"r{number}", subject=f"HOLD {number}"))
    outbox.flush()
    assert channel.subjects == ["HOLD 0", "ACTION", "HOLD 1", "HOLD 2"]
