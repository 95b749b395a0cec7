"""The option part of a stored decision: exactly the rows of the chains that were used, and the replay of it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from mtum.core.canonical import decode, list_in, number_in, plain, table_in, text_in
from mtum.core.conditions import Condition
from mtum.core.decide_options import OptionDecision, OptionSessionRules, chains_wanted, decide_options
from mtum.core.options.asking import OptionVerdict, OwnOptions
from mtum.core.options.chain import Chain, Quote, Row, read
from mtum.core.options.contracts import OptionContract
from mtum.core.options.selecting import Selection
from mtum.core.portfolio.decision import Action
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.view import MarketView

type Document = dict[str, object]

WHAT = "the options of a stored frame"
_CONTRACT = tuple(name for name in OptionContract.__struct_fields__ if name != "underlying")
_QUOTED = ("bid", "ask", "at", "open_interest")
_ACTS = (Action.ENTER.value, Action.EXIT.value)


def options_frame(
    own: OwnOptions, chains: Mapping[str, Chain], rules: OptionSessionRules, source: str, *, model_priced: bool
) -> Document:
    """Return every input of an option decision beside the market view.

    Parameters
    ----------
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    chains : mapping of str to Chain
        As they were quoted, by underlying.
    rules : OptionSessionRules
        What a session allows a sleeve's options, beside what its strategy wants.
    source : str
        Where they come from.
    model_priced : bool
        Whether a model quoted them and no market.
    """
    return {
        "own": plain(own),
        "rules": plain(rules),
        "chains": {name: _chain_document(chain) for name, chain in sorted(chains.items())},
        "source": source,
        "model_priced": model_priced,
    }


def options_of(stored: Mapping[str, object], day: date) -> tuple[OwnOptions, dict[str, Chain], OptionSessionRules]:
    """Return what a stored frame's option decision rested on."""
    chains = {name: _chain(name, day, table_in(one)) for name, one in table_in(stored["chains"]).items()}
    return decode(OwnOptions, stored["own"], WHAT), chains, decode(OptionSessionRules, stored["rules"], WHAT)


def replayed_options(
    stored: Mapping[str, object], shares: Document, view: MarketView, strategy: OptionStrategy
) -> Document:
    """Decide the options of a stored frame again; return the document of the whole decision.

    Parameters
    ----------
    stored : mapping of str to object
        Inputs that were stored.
    shares : mapping
        Document of the decision on shares.
    view : MarketView
        Everything a strategy may look at for one session.
    strategy : OptionStrategy
        A strategy that trades options; what it holds in shares comes and goes by assignment alone.
    """
    own, chains, rules = options_of(stored, view.session)
    chains_wanted(view, strategy, own)
    decided = decide_options(view, strategy, own, {name: read(chain) for name, chain in chains.items()}, rules)
    return with_options(shares, decided, own, text_in(stored["source"]), model_priced=bool(stored["model_priced"]))


def with_options(
    shares: Document, decided: OptionDecision, own: OwnOptions, source: str, *, model_priced: bool
) -> Document:
    """Return the document of a decision on shares with that on options.

    What is done in shares stays its action; else it is what is done in options.

    Parameters
    ----------
    shares : Document
        The document of the decision on shares.
    decided : OptionDecision
        What a sleeve does in options this session: closings first, then rolls, then openings.
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    source : str
        Name of the source.
    model_priced : bool
        Whether a model made the quotes.
    """
    acts = shares["action"] in _ACTS
    action = shares["action"] if acts else decided.action(own).value
    said = list_in(shares["reasons"]) if acts or not decided.reasons else []
    options = {
        "verdicts": [_verdict_document(one) for one in decided.verdicts],
        "planned": [intent_document(one) for one in decided.intents],
        "held_back": plain(decided.notes),
        "alarms": list(decided.alarms),
        "source": source,
        "model_priced": model_priced,
    }
    return {
        **shares,
        "action": action,
        "reasons": list(dict.fromkeys((*said, *decided.reasons))),
        "options": options,
    }


def intent_document(intent: OptionIntent) -> Document:
    """Return an order in options as plain JSON values."""
    return {
        "id": intent.id,
        "underlying": intent.underlying,
        "group": intent.group,
        "purpose": intent.purpose.value,
        "legs": [
            {"side": leg.side.value, "ratio": leg.ratio, "contract": leg.contract.words, "con_id": leg.contract.con_id}
            for leg in intent.legs
        ],
        "quantity": intent.quantity,
        "start": str(intent.envelope.start),
        "worst": None if intent.envelope.worst is None else str(intent.envelope.worst),
        "to_far_side": intent.envelope.to_far_side,
        "most_loss_usd": str(intent.most_loss_usd),
        "spot": str(intent.spot),
        "reasons": list(intent.reasons),
    }


def _verdict_document(one: OptionVerdict) -> Document:
    return {
        "underlying": one.underlying,
        "group": one.group,
        "proposes": one.proposal.purpose.value if one.proposal else None,
        **({"would": one.would.value} if one.would else {}),
        "reasons": list(one.reasons),
        "conditions": plain(one.conditions),
        "indicators": dict(one.indicators),
        **({"selection": _selection_document(one.selection)} if one.selection else {}),
    }


def _selection_document(found: Selection) -> Document:
    # Hundreds of contracts are looked at: a row each, in the order of the names.
    chosen = [leg.contract.con_id for leg in found.chosen.legs] if found.chosen else []
    return {
        "refused": found.refused,
        "emptied_by": plain(found.emptied_by),
        "chosen": chosen,
        "columns": ["contract", "con_id", "side", "removed_by", "value", "threshold"],
        "considered": [
            [
                one.contract.words,
                one.contract.con_id,
                "BUY" if one.bought else "SELL",
                *_removed(one.removed_by),
            ]
            for one in found.considered
        ],
    }


def _removed(by: Condition | None) -> tuple[object, ...]:
    return (None, None, None) if by is None else (by.name, by.value, by.threshold)


def _chain_document(chain: Chain) -> Document:
    columns: dict[str, list[object]] = {
        name: [plain(getattr(row.contract, name)) for row in chain.rows] for name in _CONTRACT
    }
    columns |= {
        "bid": [row.quote.bid for row in chain.rows],
        "ask": [row.quote.ask for row in chain.rows],
        "at": [plain(row.quote.at) for row in chain.rows],
        "open_interest": [row.open_interest for row in chain.rows],
    }
    return {
        "spot": chain.spot,
        "at": plain(chain.at),
        "rate": chain.rate,
        "rows": len(chain.rows),
        # What all rows have in common stands once.
        "columns": {name: values[0] if _alike(values) else values for name, values in columns.items()},
    }


def _alike(values: Sequence[object]) -> bool:
    return bool(values) and all(one == values[0] for one in values)


def _chain(underlying: str, day: date, stored: Mapping[str, object]) -> Chain:
    count, columns = int(number_in(stored["rows"])), table_in(stored["columns"])
    whole = {
        name: list_in(columns[name]) if isinstance(columns[name], list) else [columns[name]] * count
        for name in (*_CONTRACT, *_QUOTED)
    }
    rows = []
    for at in range(count):
        named = {name: whole[name][at] for name in _CONTRACT}
        contract = decode(OptionContract, {**named, "underlying": underlying}, WHAT)
        quote = decode(Quote, {name: whole[name][at] for name in ("bid", "ask", "at")}, WHAT)
        interest = whole["open_interest"][at]
        rows.append(Row(contract, quote, None if interest is None else int(number_in(interest))))
    return Chain(
        underlying,
        day,
        number_in(stored["spot"]),
        datetime.fromisoformat(text_in(stored["at"])),
        number_in(stored["rate"]),
        tuple(rows),
    )
