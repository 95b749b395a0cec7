"""`mtum serve`: the dashboard, in a browser."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.config import Settings


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", metavar="NAME", help="Address to listen on [web.host].")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 for a free one [web.port].")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Also open it in the browser.")] = False,
) -> Answer:
    """The dashboard, until Ctrl-C: what is decided, held and next, on this machine's browser or your phone's."""
    from mtum.config import secret
    from mtum.web.guard import Guard, is_loopback, own_names
    from mtum.web.records import Records
    from mtum.web.server import listening
    from mtum.web.server import serve as serve_until_stopped
    from mtum.web.site import Site
    from mtum.wiring.secrets import set_up_logs

    call = call_of(context)
    call, demo = _shown_call(call)
    call.be_urgent()
    settings, folder = call.settings(), call.data_folder()
    web, where = settings.web, host or settings.web.host
    certificate, key = _tls(settings, folder)
    secure = bool(certificate) or web.behind_proxy
    password = secret("web.password", call.environment) or ""
    if not is_loopback(where) and not (password and secure):
        raise UsageError(
            f"--host {where}: other machines can reach it, so set MTUM_WEB__PASSWORD, and web.tls_certificate and "
            "web.tls_key, or web.behind_proxy = true behind a proxy that speaks TLS"
        )
    line = listening(where, web.port if port is None else port)
    if folder.is_dir():
        set_up_logs(settings, folder)
    guard = Guard(own_names(where, web.names), password, secure)
    named = f"[{where}]" if ":" in where else where
    address = f"{'https' if certificate else 'http'}://{named}:{line.getsockname()[1]}/"
    call.tell(f"mtum serves {'the newest demo, ' if demo else ''}{folder} at {address}; Ctrl-C ends it")
    if open_:
        import webbrowser

        webbrowser.open(address)
    options = [
        word
        for name, path in (("--config", call.config), ("--data-dir", call.data_dir))
        if path is not None
        for word in (name, str(path))
    ]
    records = Records(settings, folder, demo=demo, options=options)
    serve_until_stopped(Site(records, guard, web.behind_proxy), line, certificate, key)
    return Answer({"address": address})


def _shown_call(call: CommandCall) -> tuple[CommandCall, bool]:
    # Before the first run of their own, people see the demo they have just played.
    if call.database().exists() or call.data_dir or call.config:
        return call, False
    demos = [path for path in call.data_folder().glob("demo-*") if (path / "mtum.db").exists()]
    if not demos:
        return call, False
    newest = max(demos, key=lambda path: (path / "mtum.db").stat().st_mtime)
    settings = newest / "config.toml"
    return replace(call, data_dir=newest, config=settings if settings.exists() else None, _settings=None), True


def _tls(settings: "Settings", folder: Path) -> tuple[str, str]:
    names = (settings.web.tls_certificate, settings.web.tls_key)
    if not any(names):
        return "", ""
    if not all(names):
        raise UsageError("web.tls_certificate and web.tls_key go together; set both or none")
    for name in names:
        if not (folder / name).is_file():
            raise UsageError(
                f"{folder / name}: there is no such file; web.tls_certificate and web.tls_key name PEM files"
            )
    return str(folder / names[0]), str(folder / names[1])
