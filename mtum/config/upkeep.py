"""Settings of what surrounds the trading: mail, other channels, and what is kept."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mtum.config.addresses import Address, Host, Recipient


class SettingsSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of the settings: frozen, and nothing in it that it does not know."""

    @classmethod
    def texts(cls) -> dict[str, str]:
        """Return what the source says below each setting; every command makes sections, hardly any asks."""
        import ast
        import inspect
        from itertools import pairwise
        from textwrap import dedent

        found: dict[str, str] = {}
        for one in (one for one in reversed(cls.__mro__) if issubclass(one, SettingsSection)):
            body = ast.parse(dedent(inspect.getsource(one))).body[0].body  # type: ignore[attr-defined]  # it is a class
            for node, below in pairwise(body):
                text = below.value if isinstance(below, ast.Expr) else None
                if isinstance(node, ast.AnnAssign) and isinstance(text, ast.Constant):
                    found[ast.unparse(node.target)] = inspect.cleandoc(str(text.value))
        return found


class Mail(SettingsSection, frozen=True, kw_only=True):
    """Where reports are sent; the password comes from MTUM_MAIL__PASSWORD."""

    host: Host = ""
    """SMTP server; empty for no mail"""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    """587 for STARTTLS, 465 for TLS"""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """encryption of the connection"""
    user: str = ""
    """login name; empty for no login"""
    sender: Address = ""
    """address mails come from"""
    recipients: tuple[Recipient, ...] = ()
    """addresses mails go to"""
    timeout_seconds: Annotated[float, Meta(gt=0, le=120)] = 20.0
    """longest wait for the mail server"""


class Notify(SettingsSection, frozen=True, kw_only=True):
    """Other channels; their addresses come from MTUM_NOTIFY__URLS."""

    quiet: bool = False
    """true: only messages that need a person"""


class Storage(SettingsSection, frozen=True, kw_only=True):
    """What is kept in the data folder."""

    keep_backups: Annotated[int, Meta(ge=1, le=1000)] = 14
    """verified backups kept"""
    keep_html_reports: Annotated[int, Meta(ge=1, le=100000)] = 400
    """HTML reports kept; text and JSON stay in the database"""
    keep_wire_days: Annotated[int, Meta(ge=1, le=100000)] = 250
    """days kept of the journal of every message to and from the broker (wire/)"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """least level of what is written to logs/mtum.jsonl"""


class Plugins(SettingsSection, frozen=True, kw_only=True):
    """Strategies of your own; installed packages may bring more, by the entry point mtum.strategies."""

    strategies: tuple[str, ...] = ()
    """files that hold them, relative to the settings file"""


class Web(SettingsSection, frozen=True, kw_only=True):
    """The dashboard of `mtum serve`; its password comes from MTUM_WEB__PASSWORD."""

    host: Host = "127.0.0.1"
    """address it listens on; one that other machines reach needs the password, and TLS or a proxy"""
    port: Annotated[int, Meta(ge=1, le=65535)] = 8080
    """port it listens on"""
    names: tuple[Host, ...] = ()
    """further names by which browsers call it, such as a proxy's"""
    tls_certificate: str = ""
    """PEM file of the certificate, relative to the data folder; empty for no TLS"""
    tls_key: str = ""
    """PEM file of its key, relative to the data folder"""
    behind_proxy: bool = False
    """true: a proxy in front of it speaks TLS with the browsers"""
    quote_seconds: Annotated[int, Meta(ge=0, le=3600)] = 0
    """seconds between two looks at last prices while the market is open and the page Market too; 0 for none"""
