"""Settings: what they are, and how they are read."""

from mtum.config.account import account_rules
from mtum.config.contradictions import below_one_share
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
from mtum.config.sections import (
    MANY,
    REPLAYED_SOURCES,
    SECTIONS,
    Broker,
    Group,
    Market,
    Portfolio,
    Risk,
    Schedule,
    Settings,
    SleeveRisk,
    SleeveSettings,
    digest_of,
)
from mtum.config.upkeep import Mail, Notify, Storage
from mtum.config.validation import SLEEVE_NAME

__all__ = [
    "ENVIRONMENT_PREFIX",
    "KNOWN_ENVIRONMENT",
    "MANY",
    "REPLAYED_SOURCES",
    "SECRETS",
    "SECTIONS",
    "SLEEVE_NAME",
    "Broker",
    "Group",
    "Mail",
    "Market",
    "Notify",
    "Portfolio",
    "Risk",
    "Schedule",
    "Settings",
    "SleeveRisk",
    "SleeveSettings",
    "Storage",
    "account_rules",
    "below_one_share",
    "current_environment",
    "digest_of",
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
