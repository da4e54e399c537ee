"""Typed, strict reading of a book's folder; runtime settings; where the workspace keeps things."""

from creditrisk.config.approval import Approval, Waiver
from creditrisk.config.book import MAIN, Book, SqlFile, load_book, shipped_books
from creditrisk.config.canary import Canary
from creditrisk.config.contract import Column, Contract, ReasonGroup, Reasons, Rule
from creditrisk.config.decision import Changeable, Decision, KnockOutRule, Scaling
from creditrisk.config.decision_store import DecisionStoreSettings, read_decision_store_settings
from creditrisk.config.deploying import DeploySettings, read_deploy_settings
from creditrisk.config.fairness import Fairness, Grouping
from creditrisk.config.from_environment import FROM_FILES
from creditrisk.config.gates import BESIDE_THE_MODEL, Document, Gates
from creditrisk.config.monitoring import Alarm, Alarms, Monitoring, Overdue
from creditrisk.config.notifications import (
    Channel,
    Notifications,
    QuietHours,
    SinkSettings,
    channel_address,
    channel_variables,
    read_sink_settings,
)
from creditrisk.config.outcomes import Outcomes, plain_word
from creditrisk.config.policy import Policy
from creditrisk.config.portfolio import Portfolio, Split, Table
from creditrisk.config.retention import Retention
from creditrisk.config.review import Review
from creditrisk.config.serving import ServingSettings, read_serving_settings
from creditrisk.config.settings import Settings, read_settings
from creditrisk.config.source import (
    AzureSource,
    DvcSource,
    FileSource,
    GcsSource,
    HttpOptions,
    HttpSource,
    KaggleOptions,
    KaggleSource,
    Promised,
    S3Source,
    Source,
)
from creditrisk.config.spark import Spark
from creditrisk.config.stability import Stability
from creditrisk.config.strict import Number
from creditrisk.config.training import Balance, Training
from creditrisk.config.workspace import BookFolder, Workspace

__all__ = [
    "BESIDE_THE_MODEL",
    "FROM_FILES",
    "MAIN",
    "Alarm",
    "Alarms",
    "Approval",
    "AzureSource",
    "Balance",
    "Book",
    "BookFolder",
    "Canary",
    "Changeable",
    "Channel",
    "Column",
    "Contract",
    "Decision",
    "DecisionStoreSettings",
    "DeploySettings",
    "Document",
    "DvcSource",
    "Fairness",
    "FileSource",
    "Gates",
    "GcsSource",
    "Grouping",
    "HttpOptions",
    "HttpSource",
    "KaggleOptions",
    "KaggleSource",
    "KnockOutRule",
    "Monitoring",
    "Notifications",
    "Number",
    "Outcomes",
    "Overdue",
    "Policy",
    "Portfolio",
    "Promised",
    "QuietHours",
    "ReasonGroup",
    "Reasons",
    "Retention",
    "Review",
    "Rule",
    "S3Source",
    "Scaling",
    "ServingSettings",
    "Settings",
    "SinkSettings",
    "Source",
    "Spark",
    "Split",
    "SqlFile",
    "Stability",
    "Table",
    "Training",
    "Waiver",
    "Workspace",
    "channel_address",
    "channel_variables",
    "load_book",
    "plain_word",
    "read_decision_store_settings",
    "read_deploy_settings",
    "read_serving_settings",
    "read_settings",
    "read_sink_settings",
    "shipped_books",
]  # fmt: skip
