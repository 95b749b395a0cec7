"""Use cases of the bar cache: accept, sync, check, import, release, and judging of today's bar."""
