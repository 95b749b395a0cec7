"""From what each sleeve wants to what the account does: limits, crossing, transfers. Pure."""
