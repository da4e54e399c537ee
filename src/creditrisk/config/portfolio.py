"""What `portfolio.yaml` may say. Every key has its type and its one default here."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from creditrisk.config.approval import Approval, Waiver
from creditrisk.config.assessment import Assessment
from creditrisk.config.canary import Canary
from creditrisk.config.decision import Decision
from creditrisk.config.fairness import Fairness
from creditrisk.config.gates import Document, Gates
from creditrisk.config.inventory import Inventory
from creditrisk.config.monitoring import Monitoring
from creditrisk.config.notifications import Notifications
from creditrisk.config.policy import Policy
from creditrisk.config.retention import Retention
from creditrisk.config.review import Review
from creditrisk.config.source import FileSource, Source
from creditrisk.config.spark import Spark
from creditrisk.config.stability import Stability
from creditrisk.config.strict import Limit, OpenShare, Strict
from creditrisk.config.target import Target
from creditrisk.config.training import Training
from creditrisk.kinds import Available

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]

NEVER_FEATURES = (Available.POST_ORIGINATION, Available.OUTCOME, Available.IDENTIFIER)
"""What exists at these moments tells the outcome or names a row: no preset may let it in."""


class Table(Strict):
    """One raw table of the book."""

    file: str
    """Stem of the raw file used to train: <stem>.csv, .csv.gz, .zip or .parquet."""
    score_file: str | None = None
    """Stem of the raw file used to score, where it differs (application_test)."""
    key: tuple[str, ...] = ()
    """Columns that name a row; () when the file has no key of its own."""
    parent: str | None = None
    """Logical name of the table this one hangs on."""
    foreign_key: str | None = None
    """Column of this table that holds the key of `parent`."""
    required: bool = False
    """Is a run refused without it? Otherwise its absence is a finding."""
    source: Source = FileSource()
    """Where the file comes from when no `--raw` names a folder that holds it."""
    score_source: Source | None = None
    """The same for `score_file`; it is fetched with the others, and a run goes on without it."""
    md5: str | None = None
    """Of the raw file, wherever it comes from; a file that differs is refused."""


class Entity(Strict):
    """The thing that is scored, one row of the main table."""

    key: str
    """Column that names the thing; made by this project when `hash_of` is given."""
    hash_of: tuple[Available, ...] = ()
    """When the file has no usable key: the key is an md5 over all columns that exist at these moments ..."""
    hash_also: tuple[str, ...] = ()
    """... and over these columns. Exact duplicates are then refused."""


class Split(Strict):
    """Who is learnt from and who is tested on; keyed by a stable hash of the entity."""

    method: Literal["hash", "out_of_time"] = "hash"
    """By entity alone, or the latest loans for the test."""
    date: str | None = None
    """Column with the as-of date; needed for out_of_time."""
    term: str | None = None
    """Column with the contract's term; the test year must hold every term."""
    test_from: Month | None = None
    """First month of the test part; empty = the last matured year that holds every term."""
    test_share: OpenShare = 0.2
    """Of all rows, for method hash."""
    calibration_share: OpenShare = 0.2
    """Of the development rows (all but the test part)."""
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Parts of the development rows, for out-of-fold scores."""
    seed: int = 20260101
    """Of the hash; another seed deals the rows anew."""
    rows_max: Annotated[int, Field(ge=1000)] | None = None
    """Loans dealt at most; of more, those with the smallest hashes, so that they fit into memory. Empty = all."""

    @model_validator(mode="after")
    def _has_date(self) -> Self:
        if self.method == "out_of_time" and self.date is None:
            raise ValueError("method out_of_time needs `date`")
        return self


class Preset(Strict):
    """One way to make the feature table: which SQL, and which moments of a loan's life it may look at."""

    sql: tuple[str, ...]
    """Files in order; the last one makes the feature table, the others are read by their stem."""
    available: tuple[Available, ...] = (Available.APPLICATION, Available.BUREAU)
    """Moments of a loan's life whose columns the SQL sees; never post_origination, outcome or identifier."""

    @model_validator(mode="after")
    def _before_the_loan(self) -> Self:
        late = [moment.value for moment in self.available if moment in NEVER_FEATURES]
        if late:
            raise ValueError(
                f"{', '.join(late)} can never be features: they come to exist after the loan was granted, or name a "
                f"row; `available` takes {', '.join(moment for moment in Available if moment not in NEVER_FEATURES)}"
            )
        return self


class Features(Strict):
    preset: str
    """The one that is used."""
    presets: dict[str, Preset]
    """By name."""

    @model_validator(mode="after")
    def _preset_exists(self) -> Self:
        if self.preset not in self.presets:
            raise ValueError(f"preset {self.preset!r} is not among {sorted(self.presets)}")
        return self


class CheckOff(Strict):
    """One check of a contract that is not made, for exploring; every report and page then says so."""

    table: str
    """Logical name."""
    rule: str
    """Of docs/contracts.md, or the name of one of the table's own rules."""
    column: str | None = None
    """Only for this column; empty = wherever the rule stands in the table."""
    because: Annotated[str, Field(min_length=1)]
    """Why, for whoever reads the reports."""


class Release(Strict):
    """A column under suspicion that may be a feature all the same, because somebody answers for it."""

    column: str
    """Name in the typed table."""
    table: str = "application"
    """Logical name of its table."""
    by: Annotated[str, Field(min_length=1)]
    """Who answers for it."""
    because: Annotated[str, Field(min_length=1)]
    """How they know that it was known when the loan was granted."""


class LeakRadar(Strict):
    """When a column is suspected of knowing the outcome; docs/leak-radar.md explains each threshold."""

    auc_min: Limit = Limit(value=0.6, because="few honest columns rank outcomes this well alone, and leaks do")
    """An AUC from which a second signal makes a suspect."""
    auc_alone_min: Limit = Limit(value=0.9, because="external scores reach 0.7 and no honest column comes near 0.9")
    """An AUC that makes a suspect by itself."""
    bad_rate_high: Limit = Limit(value=0.9, because="a lender who knew of such a group would not have lent to it")
    """Bad rate of a group of rows (NULL or not, at the usual value or off it) from which it makes a suspect."""
    bad_rate_low: Limit = Limit(
        value=0.01, because="hardly any group of borrowers is free of bads, unless it ended well"
    )
    """Bad rate of such a group up to which it makes a suspect."""
    rows_min: Limit = Limit(value=30, because="fewer rows are all bad or all good by chance")
    """Rows of a group that counts, and bads and goods that an AUC needs."""
    odds_ratio_min: Limit = Limit(value=5, because="where one loan in a hundred fails, a group with 1 % is nothing odd")
    """How many times the group's odds must differ from those of its vintages."""
    chance_max: Limit = Limit(value=0.01, because="30 good loans in a row are nothing odd where one in twelve fails")
    """How likely, at most, chance may be to bring such a group about."""
    dates_after_min: Limit = Limit(value=0.05, because="a few dates are wrong in every file")
    """Share of a column's dates after the as-of month from which they count as settling later."""
    grows_min: Limit = Limit(value=0.9, because="numbers given out one after the other tell the vintage")
    """Rank correlation of a near-unique whole number with the as-of date, or its place in the file, of an id."""
    sample_rows: Annotated[int, Field(ge=1_000)] = 100_000
    """Labelled entities that are looked at, chosen by a hash of the key; 100,000 put an AUC within 0.01."""
    released: tuple[Release, ...] = ()
    """Suspects that may be features; every run and page says so."""


class Portfolio(Strict):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Also the name of its folder in the workspace."""
    title: str
    """For people."""
    currency: str
    """Of all amounts."""
    entity: Entity
    """What is scored."""
    tables: dict[str, Table]
    """By logical name; the main one is `application`."""
    target: Target
    """What is predicted."""
    split: Split
    """Who is learnt from, who is tested on."""
    features: Features
    """What is known of an application."""
    engine: Literal["duckdb", "spark"] = "duckdb"
    """Which makes features, trains and scores: DuckDB on one machine, or Spark on a cluster (docs/spark.md)."""
    spark: Spark = Spark()
    """Where whole tables lie when the engine is spark."""
    policy: Policy = Policy()
    """What may not decide about people."""
    leak_radar: LeakRadar = LeakRadar()
    """Which columns are suspected of knowing the outcome."""
    training: Training = Training()
    """How it is learnt."""
    decision: Decision
    """What follows from a PD."""
    assessment: Assessment = Assessment()
    """How a tested model is taken apart."""
    fairness: Fairness = Fairness()
    """Which groups of applicants are compared, and when they are treated unlike."""
    stability: Stability = Stability()
    """When the rows have moved since the model was learnt, and how much is looked at to tell."""
    gates: Gates = Gates()
    """What a model must show before anybody may use it."""
    canary: Canary = Canary()
    """How unlike the model in production a candidate may be."""
    document: Document = Document()
    """What only the lender can say of the model."""
    review: Review = Review()
    """How people overrule a decision, and whom an applicant may turn to."""
    retention: Retention = Retention()
    """How long what is personal in decisions is kept."""
    approval: Approval = Approval()
    """Who must agree before a model decides."""
    waiver: Waiver = Waiver()
    """For how long a gate that does not pass may be answered for."""
    inventory: Inventory = Inventory()
    """What the lender's model inventory says of its models, and which columns tell what may not decide."""
    checks_off: tuple[CheckOff, ...] = ()
    """Checks that are not made, for exploring."""
    monitoring: Monitoring = Monitoring()
    """What is watched, and from when it alarms."""
    notifications: Notifications = Notifications()
    """Who is told of alarms, and when."""

    @model_validator(mode="after")
    def _tables_fit(self) -> Self:
        if "application" not in self.tables:
            raise ValueError("tables needs the main table, `application`")
        for name, table in self.tables.items():
            if table.parent is not None and table.parent not in self.tables:
                raise ValueError(f"table {name}: parent {table.parent!r} is not a table")
            if table.score_source is not None and table.score_file is None:
                raise ValueError(f"table {name}: score_source needs score_file")
            if (table.parent is None) != (table.foreign_key is None):
                raise ValueError(f"table {name}: parent and foreign_key go together")
        return self

    def is_off(self, table: str, rule: str, column: str | None = None) -> bool:
        """Has the book switched this check off?"""
        return any((off.table, off.rule) == (table, rule) and off.column in (None, column) for off in self.checks_off)
