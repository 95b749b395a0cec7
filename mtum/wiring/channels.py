"""The ways a message leaves, as the settings and secrets ask for them."""

from collections.abc import Mapping

from mtum.adapters.notifiers.apprise_channel import channels_named
from mtum.adapters.notifiers.console import Console
from mtum.adapters.notifiers.mail_channel import MailChannel
from mtum.adapters.notifiers.ping import Ping
from mtum.adapters.notifiers.smtp import SmtpServer
from mtum.adapters.notifiers.wrapped import Stamped, Timed
from mtum.config import Settings, secret
from mtum.ports.messages import DeadMan, Notifier
from mtum.wiring import resources

SEND_SECONDS = 9.0
"""Longest wait for any channel: within 15 s an urgent message has left, or the other channels report the failure."""
TALK_SECONDS = 8.5
"""Longest conversation with a mail server; shorter, so that the server's own error is reported, not the wait."""


def channels_of(settings: Settings, environment: Mapping[str, str]) -> tuple[Notifier, ...]:
    """Return every configured channel; the terminal alone when none is."""
    found: list[Notifier] = [*_mail(settings, environment)]
    found += channels_named(secret("notify.urls", environment))
    account = resources.account_of(settings)
    stamped = [Stamped(channel, settings.mode, account) for channel in found]
    return tuple(Timed(channel, SEND_SECONDS) for channel in stamped) or (Stamped(Console(), settings.mode, account),)


def is_anybody_told(settings: Settings, environment: Mapping[str, str]) -> bool:
    """Return whether a message reaches somebody who is not at the terminal."""
    return bool(mail_servers_of(settings, environment) or secret("notify.urls", environment))


def _mail(settings: Settings, environment: Mapping[str, str]) -> list[Notifier]:
    mail = settings.mail
    servers = mail_servers_of(settings, environment)
    return [MailChannel(server, mail.sender, address) for server in servers for address in mail.recipients]


def mail_servers_of(settings: Settings, environment: Mapping[str, str]) -> tuple[SmtpServer, ...]:
    """Return the mail server if mail is set up, else nothing."""
    mail = settings.mail
    if not mail.host:
        return ()  # a partly filled mail section is refused when settings are read
    server = SmtpServer(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        user=mail.user,
        password=secret("mail.password", environment),
        timeout_seconds=min(mail.timeout_seconds, TALK_SECONDS),
    )
    return (server,)


def dead_man_of(environment: Mapping[str, str]) -> DeadMan | None:
    """Return the dead-man switch, or None where no address is set."""
    url = secret("notify.ping_url", environment)
    if not url:
        return None
    return Ping(url)
