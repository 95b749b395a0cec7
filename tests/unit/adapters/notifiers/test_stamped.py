from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from mtum.adapters.clock import SystemClock
from mtum.adapters.notifiers.mail_channel import MailChannel, composed
from mtum.adapters.notifiers.smtp import SmtpServer
from mtum.adapters.notifiers.wrapped import Stamped
from mtum.ports.messages import Message, Urgency
from support.mail_servers import mail_server
from support.run_contexts import Box
from support.values import replace

AT = datetime(2026, 11, 30, 20, 39, 30, tzinfo=UTC)
ORDER = Message("order:m-1", Urgency.ORDER_SENT, "ORDER: BUY 18 MTUM for 2026-11-30", "accepted", at=AT)


@pytest.mark.parametrize("mode", ["practice", "paper", "live"])
def test_every_message_says_whose_money_it_speaks_of(mode: str) -> None:
    box = Box()
    Stamped(box, mode, "DU1234567").send(ORDER)
    (told,) = box.taken
    assert told.subject == f"ORDER: BUY 18 MTUM for 2026-11-30 [{mode.upper()}]"
    assert told.text == f"accepted\n\nMode {mode}, account DU1234567.\n"


def test_what_a_message_says_itself_is_not_said_twice() -> None:
    box = Box()
    report = Message("r", Urgency.REPORT, "MTUM 30 Nov: FLAT [PAPER]", "paper account DU1234567")
    Stamped(box, "paper", "DU1234567").send(report)
    assert box.taken == [report]


def test_a_mail_bears_the_time_it_was_written_and_without_one_the_present() -> None:
    mail = composed(ORDER, "mtum@example.org", "owner@example.org")
    assert mail["Date"] == "Mon, 30 Nov 2026 20:39:30 +0000"
    before = SystemClock().now().replace(microsecond=0)
    now = composed(replace(ORDER, at=None), "mtum@example.org", "owner@example.org")
    assert before <= parsedate_to_datetime(now["Date"]).replace(tzinfo=UTC) <= SystemClock().now()


def test_a_mail_server_receives_a_date() -> None:
    with mail_server() as inbox:
        server = SmtpServer("127.0.0.1", inbox.port, "none")
        MailChannel(server, "mtum@example.org", "owner@example.org").send(ORDER)
    ((_, mail),) = inbox.mails
    assert mail["Date"] == "Mon, 30 Nov 2026 20:39:30 +0000"
