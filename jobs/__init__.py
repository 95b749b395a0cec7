"""What the clock starts: the jobs of the trading day.

Their times stand in `mtum.app.service.schedule.timetable`; each carries out the use case of its name
through the one entry `mtum.app.service.run_due`, which `mtum run --if-due` calls too.
"""

JOBS = {
    "rehearse": "go or no-go for today's run; the weekly logins too",
    "refresh_bars": "the cache of bars complete up to the previous session",
    "decide_and_order": "decide once, order the difference into the closing auction",
    "watch_orders": "working orders are still there",
    "confirm_fills": "executions, commissions, position, cash, official close",
    "daily_report": "the account of the session, written and mailed",
    "backup": "a verified copy of the database",
    "review": "the week, the month, the quarter",
}
"""Every job the scheduler wakes, and what it is for."""
