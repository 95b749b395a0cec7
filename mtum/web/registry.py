"""The pages, one file each: address, title, and the function that makes it."""

PAGES: dict[str, tuple[str, str]] = {
    "": ("Today", "mtum.web.pages.today:page"),
    "portfolio": ("Portfolio", "mtum.web.pages.portfolio:page"),
    "strategies": ("Strategies", "mtum.web.pages.strategies:page"),
    "trades": ("Trades", "mtum.web.pages.trades:page"),
    "market": ("Market", "mtum.web.pages.market:page"),
    "risk": ("Risk", "mtum.web.pages.risk:page"),
    "research": ("Research", "mtum.web.pages.research:page"),
    "system": ("System", "mtum.web.pages.system:page"),
}
"""Address -> title and function; a page is one file and one line here. The first ones stand in a phone's bar."""
