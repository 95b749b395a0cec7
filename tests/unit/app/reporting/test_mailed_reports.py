"""The mail of every kind of day, handed to a real SMTP server and taken apart again."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from mtum.adapters.notifiers.mail_channel import MailChannel, composed
from mtum.adapters.notifiers.smtp import SmtpServer
from mtum.adapters.rendering.html import HtmlRenderer
from mtum.app.reporting.daily_report import report_message
from mtum.app.reporting.period import Kind, period
from mtum.app.reporting.stability import stability
from mtum.ports.messages import Message, Urgency
from support.mail_servers import mail_server
from support.report_days import DRAWN, KINDS
from support.values import replace

LARGEST = 300_000
LARGEST_HTML = 60_000
LARGEST_STYLE = 8_000


def delivered(folder: Path, kind: str) -> EmailMessage:
    history, day = KINDS[kind](folder)
    writer = history.writer(HtmlRenderer())
    report = history.report(day)
    with mail_server() as inbox:
        server = SmtpServer("127.0.0.1", inbox.port, "none", timeout_seconds=10)
        MailChannel(server, "mtum@example.org", "owner@example.org").send(report_message(writer, report))
    ((_, mail),) = inbox.mails
    return mail


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in DRAWN else pytest.mark.full) for kind in KINDS]
)
def test_mail_arrives_whole(tmp_path: Path, kind: str) -> None:
    mail = delivered(tmp_path, kind)
    assert mail.get_content_type() == "multipart/alternative"
    plain, related = mail.iter_parts()
    assert (plain.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    html, *images = related.iter_parts()
    page = html.get_content()
    named = set(re.findall(r'src="cid:([^"]+)"', page))
    assert named == {image["Content-ID"].strip("<>") for image in images}
    assert images
    assert all(image.get_content().startswith(b"\x89PNG") for image in images)
    assert len(mail.as_bytes()) < LARGEST
    assert len(page.encode()) < LARGEST_HTML
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert len(style.group(1)) < LARGEST_STYLE


@pytest.mark.parametrize("kind", ["enter", "exit-partly-filled", "no-decision"])
def test_text_part_alone_is_the_report(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path / "again")
    mail = delivered(tmp_path, kind)
    plain, _ = mail.iter_parts()
    assert plain.get_content().replace("\r\n", "\n").rstrip() == history.report(day).text.rstrip()


def test_mails_of_a_session_are_one_conversation_that_no_robot_answers(tmp_path: Path) -> None:
    mail = delivered(tmp_path, "enter")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["List-Id"] == "mtum <mtum.example.org>"
    assert mail["X-MTUM-Run-Id"] == "daily_report:PRACTICE:2026-03-30"
    assert mail["X-Priority"] is None
    alarm = Message("missed:2026-03-30:watch_orders:", Urgency.ACT_NOW, "ALERT: missed watch_orders", "text")
    later = composed(alarm, "mtum@example.org", "owner@example.org")
    assert later["In-Reply-To"] == later["References"] == mail["References"]
    assert later["Message-ID"] != mail["Message-ID"]
    assert later["X-Priority"] == "1"


@pytest.mark.parametrize("kind", KINDS)
def test_subject_arrives_as_it_was_written_with_a_true_minus(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    message = report_message(history.writer(), history.report(day))
    arrived = message_from_bytes(composed(message, "mtum@example.org", "owner@example.org").as_bytes(), policy=default)
    assert arrived["Subject"] == message.subject
    assert len(message.subject) <= 60
    assert not re.search(r"(?<![\w-])-\d", message.subject)


def test_mail_asks_for_nothing_outside(tmp_path: Path) -> None:
    mail = delivered(tmp_path, "enter")
    _, related = mail.iter_parts()
    page = next(iter(related.iter_parts())).get_content()
    assert not re.search(r"https?://", page)
    for banned in ("<svg", "background-image", "display:flex", "display:grid", "<script"):
        assert banned not in page


def test_images_have_words(tmp_path: Path) -> None:
    mail = delivered(tmp_path, "exit-target")
    _, related = mail.iter_parts()
    page = next(iter(related.iter_parts())).get_content()
    words = re.findall(r'<img[^>]*alt="([^"]+)"', page)
    assert len(words) == 2
    assert "close 115.00 USD" in words[0]
    assert "buy and hold" in words[1]


def test_numbers_carry_a_true_minus_and_dates_do_not(tmp_path: Path) -> None:
    mail = delivered(tmp_path, "exit-below-ma")
    plain, related = mail.iter_parts()
    page = next(iter(related.iter_parts())).get_content()
    assert "\u22123.13%" in page
    assert "-3.13%" in plain.get_content()


def test_stability_counts_the_reports_noted_and_those_delivered(tmp_path: Path) -> None:
    history, day = KINDS["hold-long"](tmp_path)
    writer, messages = history.writer(), history.store.messages
    message = report_message(writer, history.report(day))
    at = history.calendar.session(day).close
    for channel in ("mail", "push"):
        messages.queue_message(replace(message, key=f"{message.key}@{channel}"), at, None)
    messages.delivered(messages.undelivered()[0][0], at)
    rows = {line.step: (line.expected, line.reached) for line in stability(period(writer, Kind.MONTH, day))}
    assert rows["mailed"] == (2, 1)
