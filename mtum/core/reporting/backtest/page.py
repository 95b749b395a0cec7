"""The frame of a self-contained page: style, script, sections."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

_COMMAND = re.compile("`([^`]+)`")
_NUMBER = re.compile(r"[-+\u2212]?[\d.,]+ ?%?$")
NOT_KNOWN = ("unknown", "not simulated", "none", "-")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#68717f;--line:#d9dee5;--card:#fff;--page:#f3f5f8;
--first:#1f5fa8;--second:#b0672a;--third:#4f7a3a;--fourth:#7a4f9a}
@media (prefers-color-scheme:dark){
:root{--ink:#e6eaf0;--soft:#98a2b0;--line:#39424e;--card:#1d232b;--page:#14181e;--first:#7ab0f5;--second:#e2a060;--third:#9ccf7e;--fourth:#c39ce0}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);
margin:0 auto;max-width:1040px;padding:16px}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:12px 0}
h1{font-size:22px;margin:8px 0}h2{font-size:16px;margin:0 0 8px}p{margin:6px 0}.soft{color:var(--soft)}
figure{margin:0}.chart{touch-action:pan-y;width:100%;height:auto;display:block}.grid{stroke:var(--line)}
.narrow{display:none}.tick{fill:var(--soft);font-size:11px}.cursor{stroke:var(--soft);stroke-dasharray:2 3}
.enter{fill:#1f8a4c;color:#1f8a4c}.leave{fill:#c0392b;color:#c0392b}.key{margin-right:14px}
.key:before{content:"";display:inline-block;width:14px;height:3px;background:var(--c);
margin-right:6px;vertical-align:middle}
.scroll{overflow-x:auto;background:linear-gradient(90deg,var(--card) 30%,transparent) 0 0/40px 100%,
linear-gradient(270deg,var(--card) 30%,transparent) 100% 0/40px 100%,
linear-gradient(90deg,#8886,transparent) 0 0/14px 100%,linear-gradient(270deg,#8886,transparent) 100% 0/14px 100%;
background-repeat:no-repeat;background-attachment:local,local,scroll,scroll}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:3px 9px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
thead th{white-space:normal;vertical-align:bottom}
th:first-child,td:first-child,.left{text-align:left}code{white-space:nowrap}table.sort th{cursor:pointer}
@media (max-width:600px){.wide{display:none}.narrow{display:block}body{padding:10px}section{padding:12px}
th,td{padding:3px 6px}table:not(.sort):not(.map) tr>:first-child{white-space:normal}}
.day{white-space:nowrap}
td.heat{color:#1d2430;border:1px solid var(--card)}.tip{min-height:20px;color:var(--soft);font-size:13px}
"""

SCRIPT = """
document.querySelectorAll('figure[data-chart]').forEach(figure=>{
const data=JSON.parse(figure.querySelector('script').textContent),tip=figure.querySelector('.tip');
figure.querySelectorAll('svg').forEach(svg=>{const cursor=svg.querySelector('.cursor');
const step=parseFloat(svg.dataset.step),left=parseFloat(svg.dataset.left);
['pointermove','pointerdown'].forEach(kind=>svg.addEventListener(kind,event=>{const box=svg.getBoundingClientRect();
const x=(event.clientX-box.left)/box.width*svg.viewBox.baseVal.width;
const at=Math.max(0,Math.min(data.days.length-1,Math.round((x-left)/step)));
cursor.setAttribute('x1',left+at*step);cursor.setAttribute('x2',left+at*step);
tip.textContent=data.days[at]+': '+data.lines.map(line=>line.name+' '+
(line.values[at]===null?'unknown':line.values[at].toLocaleString())).join(', ');}));});});
document.querySelectorAll('table.sort th').forEach(head=>head.addEventListener('click',()=>{
const table=head.closest('table'),body=table.tBodies[0],place=head.cellIndex;
const value=row=>{const text=row.cells[place].textContent.replace(/[,%]/g,'');
return isNaN(text)||text===''?row.cells[place].textContent:parseFloat(text)};
head.dataset.up=head.dataset.up==='1'?'0':'1';const up=head.dataset.up==='1'?1:-1;
[...body.rows].sort((p,q)=>{const x=value(p),y=value(q);return x<y?-up:x>y?up:0}).forEach(row=>body.append(row));}));
"""


def page(title: str, subtitle: str, sections: Iterable[str]) -> str:
    """Return a whole page that needs nothing from outside."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="soft">{escape(subtitle)}</p>{"".join(sections)}'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def section(title: str, body: str) -> str:
    """Return one card of the page."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def named(setting: str) -> str:
    """Return the name of a setting without its section, in words that may break."""
    return setting.rpartition(".")[2].replace("_", " ")


def setting_words(value: object) -> str:
    """Return the value of a setting as a person writes it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def terms_words(terms: Mapping[str, object]) -> str:
    """Return on what terms a history was played, as `mtum sweep --json` gives them; what varies is left out."""
    capital, cost = terms.get("portfolio.capital_usd"), terms.get("portfolio.cost_frac")
    parts = [f"{capital:,.0f} USD at the start"] if isinstance(capital, int | float) else []
    match terms.get("portfolio.cost_model"):
        case "percent" if isinstance(cost, int | float):
            parts.append(f"costs {100 * cost:g} % a side")
        case "ib":
            parts.append("costs by the broker's schedule")
        case _:
            parts.append("costs as in the settings tried")
    parts.append(f"slippage {terms['slippage_bps']:g} bps")
    return f"{', '.join(parts)}, fills at {terms['fill']}, settlement {terms['settlement']}."


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, sortable: bool = False) -> str:
    """Return a table; numbers are shown with separators, None as nothing."""
    held = [tuple(row) for row in rows]
    # Words stand at the left; a column of numbers may have a word in it for one that is not known.
    words = [any(_is_word(row[place]) for row in held) for place in range(len(columns))]
    marks = [' class="left"' if left else "" for left in words]
    head = "".join(f"<th{mark}>{escape(name)}</th>" for mark, name in zip(marks, columns, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{mark}>{_cell(cell)}</td>' for mark, cell in zip(marks, row, strict=True))}</tr>"
        for row in held
    )
    kind = ' class="sort"' if sortable else ""
    return f'<div class="scroll"><table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _is_word(cell: object) -> bool:
    return isinstance(cell, str) and bool(cell) and not _NUMBER.match(cell) and cell not in NOT_KNOWN


def prose(text: str) -> str:
    """Return a sentence as HTML; a command between backticks never breaks inside a word, and no day in itself.

    Examples
    --------
    >>> prose("now `mtum backtest --approve` & wait")
    'now <code>mtum</code> <code>backtest</code> <code>--approve</code> &amp; wait'
    """
    told = _COMMAND.sub(lambda found: " ".join(f"<code>{word}</code>" for word in found[1].split()), escape(text))
    return _DAY.sub(r'<span style="white-space:nowrap">\g<0></span>', told)


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    if isinstance(cell, str) and _DAY.fullmatch(cell):
        return f'<span class="day">{cell}</span>'
    return escape(f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell))
