"""What a person starts: one file per command group, no logic."""
