"""Options: what was traded and ended in them, and each open group with what it earns, risks and waits for."""

from msgspec import Struct

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Block, Section, Sentence, Tone, facts_of, signed

MODEL = "MODEL-PRICED: a model made the prices of these options, no market did."
FEE_NOT_TOLD = "fee not told yet"
"""Where a profit waits for a commission that the broker has not told."""


class OptionGroupLine(Struct, frozen=True):
    """An open group as it stands after the session; amounts in USD.

    Parameters
    ----------
    legs : tuple of str
        What is held, in words.
    next : str
        What happens next, in words.
    contracts : int
        How many are open, held and sold together; 0 in reports that were stored before this was told.
    """

    group: str
    legs: tuple[str, ...]
    days: int
    worth_usd: float | None
    pnl_usd: float | None
    credit_usd: float
    collateral_usd: float
    pledged_shares: int
    max_loss_usd: float
    delta_shares: float | None
    next: str
    contracts: int = 0


class OptionsTold(Struct, frozen=True):
    """A session's options.

    Parameters
    ----------
    source : str
        Where the quotes came from.
    deeds : tuple of str
        Orders and what became of them.
    ended : tuple of str
        Contracts that ended without a trade.
    not_made : tuple of str
        What was wanted and not carried out, and why.
    """

    source: str = ""
    model_priced: bool = False
    deeds: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    not_made: tuple[str, ...] = ()
    groups: tuple[OptionGroupLine, ...] = ()


def section(told: OptionsTold | None) -> Section:
    """Return the options of a sleeve; empty for one that trades none."""
    if told is None:
        return Section("options", "Options")
    blocks: list[Block] = [Sentence(MODEL, Tone.BAD)] if told.model_priced else []
    blocks += [Sentence(f"{text}.") for text in (*told.deeds, *told.ended)]
    blocks += [Sentence(f"{text}.", Tone.QUIET) for text in told.not_made]
    for one in told.groups:
        blocks += [Sentence(f"{one.group}: {'; '.join(one.legs)}."), _facts(one), Sentence(f"Next: {one.next}.")]
    if not told.groups:
        blocks.append(Sentence("No group of options is open."))
    return Section("options", "Options", tuple(blocks))


def most_loss(loss_usd: float, pledged_shares: int) -> str:
    """Return the most that a group can lose, in words: a call on shares that are held loses nothing by itself."""
    own = f"{figures.number(loss_usd)} USD"
    if not pledged_shares:
        return own
    shares = f"what its {figures.shares(pledged_shares)} shares lose"
    return f"{own} and {shares}" if loss_usd else shares


def _facts(one: OptionGroupLine) -> Block:
    received = one.credit_usd >= 0
    pledged = ("Shares pledged", figures.shares(one.pledged_shares), "") if one.pledged_shares else None
    return facts_of(
        (
            ("Days to expiry", str(one.days), ""),
            ("Received" if received else "Paid", figures.number(abs(one.credit_usd)), "USD"),
            ("Worth now", figures.number(one.worth_usd, sign=True), "USD"),
            ("Earned so far", signed(_earned(one)), "USD"),
            ("Cash pinned", figures.number(one.collateral_usd), "USD"),
            pledged,
            ("Most it can lose", most_loss(one.max_loss_usd, one.pledged_shares), ""),
            ("Moves like", figures.number(one.delta_shares, 0, sign=True), "shares"),
        )
    )


def _earned(one: OptionGroupLine) -> str:
    waits = one.pnl_usd is None and one.worth_usd is not None
    return FEE_NOT_TOLD if waits else figures.number(one.pnl_usd, sign=True)


def deed_words(told: OptionsTold | None) -> str:
    """Return what was done in options as the beginning of a sentence; "" if nothing was."""
    if told is None:
        return ""
    deeds = [one.partition("; ") for one in told.deeds]
    return words.listed(
        (*(head + (", nothing filled" if "nothing" in done else "") for head, _, done in deeds), *told.ended)
    )
