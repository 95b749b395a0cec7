"""`mtum notify test`: try every way a message leaves."""

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, AnswerProblem, Listing
from mtum.errors import ConfigError, ExitCode

NOBODY = (
    "No mail and no other service is set up: nobody away from this terminal hears of anything. "
    "Set mail.host, mail.sender and mail.recipients, or MTUM_NOTIFY__URLS."
)

app = typer.Typer(help="Test the channels that messages go out by.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Test the channels that messages go out by."""


@app.command("test")
def test(context: typer.Context) -> Answer:
    """Send a test message by every channel; what waits in the outbox leaves too."""
    from mtum.config import secret_problems
    from mtum.wiring.messages import tried_channels

    call = call_of(context)
    wrong = secret_problems(call.settings(), call.environment)
    if wrong:
        raise ConfigError(wrong)
    tried = tried_channels(call.settings(), call.data_folder())
    rows = [[name, "delivered" if not error else "failed", error] for name, error in tried.channels]
    problems = [AnswerProblem(ExitCode.NOTIFY, f"{name}: {error}") for name, error in tried.channels if error]
    document = {
        "channels": [{"name": name, "delivered": not error, "error": error or None} for name, error in tried.channels],
        "outbox_sent": tried.outbox_sent,
        "reaches_somebody": any(name != "console" and not error for name, error in tried.channels),
    }
    shown: list[str | Listing] = [Listing(["channel", "outcome", "why"], rows)]
    if all(name == "console" for name, _ in tried.channels):
        shown.append(NOBODY)
    if tried.outbox_sent:
        shown.append(f"{tried.outbox_sent} waiting messages sent")
    return Answer(document, shown, ExitCode.NOTIFY if problems else ExitCode.DONE, problems)
