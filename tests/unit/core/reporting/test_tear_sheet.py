"""The tear sheet of an account: what each sleeve and symbol brought, in the words and cents of the page."""

from collections.abc import Mapping

import numpy as np
import pytest

from mtum.app.research.tear_sheet import sheet_files
from mtum.core.coordination.account import Cut
from mtum.core.coordination.coordinate import LIMITED
from mtum.core.coordination.transfers import Transfer
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.backtest.holdings import MOST_ROWS, exposure_chart, holding_sections
from mtum.core.reporting.backtest.result import IN_FUND, result_sections
from mtum.core.reporting.backtest.tear_sheet import MOST_TRADES, tear_sheet
from mtum.core.reporting.layout import Page, Sentence, Table
from mtum.core.reporting.text import text
from support.played_accounts import document, played_account, sheet
from support.values import replace


def tables(page: Page) -> Mapping[str, list[Table]]:
    return {part.key: [one for one in part.blocks if isinstance(one, Table)] for part in page.further}


def cells(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_the_sleeves_of_an_account_add_up_to_it() -> None:
    shown = tables(tear_sheet(sheet(played_account())))
    brought = cells(shown["sleeves"][0])
    assert brought[0] == ["trend", "trend_following", "600.00", "-50.00", "51.00", "601.00", "5.10", "1"]
    assert brought[1] == ["dips", "mean_reversion", "400.00", "50.00", "9.00", "459.00", "0.90", "1"]
    assert brought[2] == ["cash", "", "0.00", "0.00", "0.30", "0.30", "0.03", "1"]
    assert brought[3] == ["account", "", "1,000.00", "0.00", "60.30", "1,060.30", "6.03", "3"]
    risks = cells(shown["sleeves"][1])
    assert risks[1][:3] == ["dips", "1.68", "2.00"], "399/400, then 10 lost of 399, then 459/439"
    assert risks[2][:3] == ["cash", "-", "-"]
    assert [row[-2:] for row in risks] == [["1.25", "2.00"], ["1.25", "0.00"], ["0.25", "0.00"]]
    assert cells(shown["sleeve-symbols"][0])[1] == ["dips", "BBB", "9.00", "0.90", "0.00", "1.00", "1", "1"]
    # The first sessions of January 2010 are in one year.
    assert cells(shown["sleeve-years"][0]) == [["2010", "51.00", "9.00", "0.30", "60.30"]]
    assert cells(shown["correlations"][0]) == [["trend", "-", "-"], ["dips", "-", "-"]], "four sessions are too few"


def test_the_text_of_a_backtest_tells_the_sleeves_too() -> None:
    (part,) = (one for one in result_sections(document(played_account())) if one.key == "sleeves")
    (result, *_) = result_sections(document(played_account()))
    assert Sentence(IN_FUND) in result.blocks
    table, met = part.blocks
    assert isinstance(table, Table)
    assert [row[4] for row in cells(table)] == ["51.00", "9.00", "0.30", "60.30"]
    told = "7 shares changed sleeves; limits of the account cut 1 purchase, and 2 orders could not be made."
    assert met == Sentence(told)


def test_what_passed_between_the_sleeves_is_counted() -> None:
    account = played_account()
    shown = tables(tear_sheet(sheet(account)))
    assert shown["between"] == []
    assert "SGOV" not in {panel.title[:4] for chart in tear_sheet(sheet(account)).charts for panel in chart.panels}
    (first, second, *_) = account.total.orders
    day = first.session
    sold = replace(first, side=Side.SELL, sleeve="dips", crossed=3)
    total = replace(account.total, orders=(replace(first, crossed=3), sold, second))
    met = replace(
        account,
        total=total,
        cuts=((day, Cut("max_symbol_frac", "dips", "AAA", 0.6, 0.5, 9, 4)),),
        held_back=((day, "dips", "BBB", LIMITED), (day, "dips", "CCC", LIMITED), (day, "trend", "AAA", "halted")),
        transfers=(
            (day, ()),
            (day, (Transfer("trend", 0.6, 621, 571, -50.0, 12.5), Transfer("dips", 0.4, 400, 450, 50.0, 0.0))),
        ),
    )
    (between,) = (part for part in tear_sheet(sheet(met)).further if part.key == "between")
    crossed, cut, kept = (cells(one) for one in between.blocks if isinstance(one, Table))
    assert crossed == [["AAA", "1", "3", "300.00"]]
    assert cut == [["max_symbol_frac", "1", "5"]]
    assert kept == [["the limits of the account left nothing of it", "2"], ["trading is halted", "1"]]
    told = "50.00 USD went from one sleeve to another at 1 period end of 2."
    assert between.blocks[-1] == Sentence(f"{told} At 1 a sleeve had to keep what was due, as it was no settled cash.")
    first_trade = cells(shown["every-trade"][0])[0]
    assert first_trade[:3] == ["trend", "AAA", str(day)]


def test_what_no_trade_of_a_symbol_explains_is_said() -> None:
    account = played_account()
    page = tear_sheet(sheet(account))
    (symbols,) = (part for part in page.further if part.key == "symbols")
    assert cells(tables(page)["symbols"][0])[0][:2] == ["AAA", "51.00"]
    assert symbols.blocks[-1] == Sentence("Together 60.30 USD: all that was earned.")
    known = replace(account, total=replace(account.total, trades=account.total.trades[:2]))
    (symbols,) = (part for part in tear_sheet(sheet(known)).further if part.key == "symbols")
    assert symbols.blocks[-1] == Sentence("Together 60.00 of 60.30 USD earned.")


def test_a_strategy_alone_has_no_sections_of_sleeves_and_every_section_says_something() -> None:
    page = tear_sheet(sheet(replace(played_account(), sleeves={})))
    assert not {"sleeves", "sleeve-years", "correlations"} & {part.key for part in page.further}
    assert "rolling" not in {part.key for part in page.further}, "four sessions have no figures of a year"
    drawn = {chart.section for chart in page.charts}
    assert all(part.blocks or part.key in drawn for part in page.further)
    assert drawn == {"", "exposure", "trades"}
    assert "WORST PERIODS" in text(page).upper()


def test_nothing_traded_is_a_page_too() -> None:
    account = played_account()
    idle = replace(account.total, equity=np.full(4, 1000.0), held=np.zeros(4), trades=(), orders=())
    none = {symbol: np.zeros(4) for symbol in account.shares}
    page = tear_sheet(sheet(replace(account, total=idle, sleeves={}, shares=none)))
    keys = {part.key for part in page.further}
    assert not {"worst", "exposure", "symbols", "trades", "every-trade"} & keys
    assert {"months", "years", "returns", "definitions"} <= keys


def test_of_very_many_symbols_and_trades_the_page_shows_some_and_says_so() -> None:
    whole = sheet(played_account())
    (row, *_) = whole.figures.symbols
    rows = tuple(replace(row, symbol=f"S{at:03d}", pnl_usd=float(-at)) for at in range(MOST_ROWS + 7))
    *_, part = holding_sections(rows, whole.document, 1000.0)
    (table,) = (one for one in part.blocks if isinstance(one, Table))
    assert [line[0] for line in cells(table)][:: MOST_ROWS - 1] == ["S000", f"S{MOST_ROWS + 6:03d}"]
    assert part.blocks[-1] == Sentence("7 symbols between the best and the worst are in symbols.csv alone.")
    many = {**whole.document, "trades": whole.document["trades"] * MOST_TRADES}
    (every,) = (one for one in tear_sheet(replace(whole, document=many)).further if one.key == "every-trade")
    assert every.blocks[0] == Sentence("The newest 1,000 of 3,000; trades.csv has them all.")
    weights = {f"S{at}": np.full(4, 0.01 * at) for at in range(1, 10)}
    chart = exposure_chart(whole.account.total.days, weights, np.array([0.0, 0.1, 0.1, 0.0]))
    assert chart is not None
    (panel,) = chart.panels
    assert [line.name for line in panel.lines] == ["S9", "S8", "S7", "S6", "5 others", "cash fund"]
    assert panel.lines[-2].values.tolist() == pytest.approx([15.0] * 4)


def test_files_of_an_account_have_a_column_for_each_sleeve() -> None:
    files = {name: content.decode() for name, content in sheet_files(sheet(played_account())).items()}
    head, first, *_, last = files["sessions.csv"].splitlines()
    assert {"trend_usd", "trend_flow_usd", "trend_earned_usd", "cash_usd"} <= {*head.split(",")}
    assert dict(zip(head.split(","), first.split(","), strict=True))["equity_usd"] == "999.0"
    assert dict(zip(head.split(","), last.split(","), strict=True))["dips_earned_usd"] == "9.0"
    assert files["sleeves.csv"].splitlines()[1].startswith("trend,trend_following,600.0,-50.0,601.0,51.0,0.051,")
    assert files["sleeve-symbols.csv"].splitlines()[1] == "trend,AAA,1,1,51.0,0.051,2.0,1.0"
    assert files["orders.csv"].splitlines()[1].endswith(",AAA,a; b")
    held = [line.split(",")[1:3] for line in files["weights.csv"].splitlines()[1:]]
    assert held == [["AAA", "5"], *[["AAA", "5"], ["BBB", "2"], ["SGOV", "2"]] * 3], "what is not held has no row"
