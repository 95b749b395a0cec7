"""Settings: what they are, and how they are read."""

from mtum.config.loading import (
    current_environment,
    find,
    load,
    parameters_schema,
    plain_value,
    read_toml,
    restored,
    restored_strategy,
    secret,
    secret_problems,
)
from mtum.config.names import ENVIRONMENT_PREFIX, KNOWN_ENVIRONMENT, SECRETS, setting_names, variable_of
from mtum.config.sections import SECTIONS, Broker, Mail, Market, Notify, Portfolio, Risk, Schedule, Settings, Storage

__all__ = [
    "ENVIRONMENT_PREFIX",
    "KNOWN_ENVIRONMENT",
    "SECRETS",
    "SECTIONS",
    "Broker",
    "Mail",
    "Market",
    "Notify",
    "Portfolio",
    "Risk",
    "Schedule",
    "Settings",
    "Storage",
    "current_environment",
    "find",
    "load",
    "parameters_schema",
    "plain_value",
    "read_toml",
    "restored",
    "restored_strategy",
    "secret",
    "secret_problems",
    "setting_names",
    "variable_of",
]
