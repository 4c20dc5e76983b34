"""What conf/dataset declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath
from urllib.parse import urlsplit

from keystage.core.params import group_or_null, outside_key
from keystage.data.columns import BadCells, ColumnSpec, ColumnType, Level, OnViolation, require_guardrails
from keystage.data.forecast import ForecastSpec
from keystage.data.given import GivenTest
from keystage.data.sources.spec import QUERY, ReadSpec, RowsSpec
from keystage.data.stream import StreamSpec, require_streamable


class Task(Enum):
    """What is learnt."""

    classification = "classification"
    regression = "regression"
    forecasting = "forecasting"

    @property
    def learnt(self) -> "Task":
        """What an estimator learns: a forecast is regression on features of the past."""
        return Task.regression if self is Task.forecasting else self


class SplitKind(Enum):
    """How the test rows are chosen."""

    auto = "auto"
    random = "random"
    groups = "groups"
    time = "time"


VERSIONS = ".dvc/tmp/keystage/datasets"  # where stage conf lays out the files of a registered version


_TOLD = "a text for people; stage report shows it, and no other reads it"
# Columns that are no features: what a row is for, not what it is like (keystage.data.roles).
ROLE_NAMES = ("weight", "group", "time", "fold")
PART = "part"  # the role of dataset.test.column


@dataclass
class DatasetSpec:
    """A table made of one or more files, put below each other.

    Attributes:
        files: what is read, in this order: names of files in the folder, patterns like ``part-*.csv``, folders, URLs,
            or ``bundled:NAME`` (``keystage.data.sources``). Empty when ``read.query`` gives the table.
        label: the column to predict. Rows without it are left out, and counted in the report.
        task: what is learnt.
        name: what the dataset is called in messages and in the tracking store.
        path: the folder, relative to the project; other files in it are no part of the dataset. "" when
            none is in one.
        columns: types by column, and what its cells must be; a column that is not listed is typed by its whole content.
        bad_cells: what becomes of cells that are not of their declared type: ``error``, or ``empty``, counted.
        on_violation: what becomes of cells that break a rule of ``columns``, unless the column says otherwise.
        guardrails: what a finding does, by guardrail (``keystage.data.guardrails``): ``alert`` says so, ``fail`` keeps
            the model from being registered, ``skip`` does not look. Those that are not named alert.
        drop: columns that are left out before preparation.
        missing: texts that stand for a missing cell.
        weight: a column of weights of the rows, 0 or more; null counts each row once.
        group: a column whose equal values stay on one side of each split.
        time: a column by which rows are ordered for splits: what is later is tested.
        fold: a column that says which rows are validated when: whole numbers of folds (-1: never), or the words train
            and validation, or true for validation.
        validation_files: further files like ``files``; their rows score trials and nothing is fitted on them.
        test: which rows are the test, where that is given and not drawn; null draws them (``prep.split``).
        forecast: of ``task: forecasting``, how far ahead and from what; it needs ``time``.
        read: how the files are read, where they are not what their endings say.
        rows: which rows are taken; null takes all.
        keep: the columns that are read, beside the label, the roles and those of the series; null reads all.
        stream: how a table is read that does not fit into memory; null reads all rows at once.
        version: a registered version whose files are read in place of those in ``path`` (``keystage dataset list``);
            null reads those in ``path``.
        description: what the table is and what is learnt from it, for the report and the model card.
        licence: on what terms the data may be used, and where it comes from.
        intended_use: what a model of it is for, and what it is not for.
        limits: what is known of the data that no number shows, a sentence each.
    """

    files: list[str]
    label: str
    task: Task
    name: str = outside_key("a name changes no result")
    path: str = outside_key("the files are in the key by content; where they lie changes no result", "")
    columns: list[ColumnSpec] = field(default_factory=list)
    bad_cells: BadCells = BadCells.error
    on_violation: OnViolation = OnViolation.error
    guardrails: dict[str, Level] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=lambda: [""])
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    fold: str | None = None
    validation_files: list[str] = field(default_factory=list)
    test: GivenTest | None = None
    forecast: ForecastSpec | None = None
    read: ReadSpec | None = group_or_null()
    rows: RowsSpec | None = group_or_null()
    keep: list[str] | None = None
    stream: StreamSpec | None = group_or_null()
    version: str | None = outside_key("its files are in the key by content, as stage conf notes it", None)
    description: str | None = outside_key(_TOLD, None)
    licence: str | None = outside_key(_TOLD, None)
    intended_use: str | None = outside_key(_TOLD, None)
    limits: list[str] = field(default_factory=list, metadata=outside_key(_TOLD).metadata)

    @property
    def entries(self) -> list[str]:
        """What gives the rows of training: ``files``, or the query."""
        return list(self.files) if self.read is None or self.read.query is None else [QUERY]

    @property
    def kept(self) -> list[str] | None:
        """The columns that are read; None for all."""
        if self.keep is None:
            return None
        series = self.forecast.series if self.forecast else []
        return list(dict.fromkeys([*self.keep, self.label, *self.roles.values(), *series]))

    @property
    def declared(self) -> list[ColumnSpec]:
        """The declarations of columns that are read."""
        return [column for column in self.columns if self.kept is None or column.name in self.kept]

    @property
    def folder(self) -> str:
        """Where the files are read, in the project: ``path``, or what stage conf lays out of a registered version."""
        return self.path if self.version is None else f"{VERSIONS}/{self.version}"

    @property
    def all_entries(self) -> list[str]:
        """What gives the rows of training, of validation and of the test."""
        return [*self.entries, *self.validation_files, *self.test_files]

    @property
    def test_files(self) -> list[str]:
        """The files whose rows are the test."""
        return [] if self.test is None else self.test.files

    @property
    def test_column(self) -> str | None:
        """The column that says which rows are tested."""
        return None if self.test is None else self.test.column

    @property
    def roles(self) -> dict[str, str]:
        """The columns that are no features, by what they are for."""
        named = {role: getattr(self, role) for role in ROLE_NAMES}
        named[PART] = self.test_column
        return {role: name for role, name in named.items() if name is not None}

    @property
    def no_features(self) -> list[str]:
        """The columns that the recipe does not see: label, roles and what is dropped; of forecasts it sees the time."""
        roles = [name for role, name in self.roles.items() if self.forecast is None or role != "time"]
        return list(dict.fromkeys([self.label, *roles, *self.drop]))

    def __post_init__(self) -> None:
        """Refuse what no table can satisfy."""
        self._require_files()
        if self.label in self.drop:
            raise ValueError(f"dataset.drop contains the label '{self.label}'")
        if both := sorted(set(self.drop) & set(self.keep or ())):
            raise ValueError(f"dataset.keep and dataset.drop both name '{both[0]}'")
        if self.validation_files and self.fold is not None:
            raise ValueError("dataset.fold and dataset.validation_files both say what is validated: give one of them")
        if self.stream is not None:
            require_streamable(self.stream, self.read, self.rows, self.test)
        self._require_forecast()
        self._require_columns()
        named = [self.label, *self.roles.values()]
        if len(set(named)) < len(named):
            twice = next(name for name in named if named.count(name) > 1)
            raise ValueError(
                f"dataset names column '{twice}' twice among label, {', '.join(ROLE_NAMES)}, test.column: a column has "
                "one of these roles; for two, copy it in the files"
            )
        if PurePath(self.path).is_absolute() or ".." in PurePath(self.path).parts:
            raise ValueError(f"dataset.path '{self.path}' must be a folder of the project, like data/{self.name}")

    def _require_files(self) -> None:
        queried = self.read is not None and self.read.query is not None
        every = [*self.files, *self.validation_files, *self.test_files]
        if queried and every:
            raise ValueError("dataset.read.query gives the rows, so dataset.files, and all other files, must be []")
        if not self.files and not queried:
            raise ValueError("dataset.files is empty: name at least one file")
        if any(urlsplit(entry).password for entry in every if "://" in entry):
            raise ValueError(
                "dataset.files holds a password, and conf/ is in git: put it into ~/.netrc, or an environment variable "
                "that the service's own tools read"
            )
        if len(set(self.files)) < len(self.files):
            raise ValueError("dataset.files names a file twice: its rows would stand in training and test")
        if len(set(every)) < len(every):
            which = "test.files" if set(self.test_files) & {*self.files, *self.validation_files} else "validation_files"
            raise ValueError(f"dataset.{which} names a file twice: its rows would stand in training, or twice")

    def _require_columns(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"dataset.columns declares '{twice}' twice")
        for column in self.columns:
            if not column.nullable and self.action_on(column) is OnViolation.empty:
                raise ValueError(
                    f"dataset.columns: '{column.name}' cannot be nullable: false and empty its bad cells: give its "
                    "on_violation as error, drop_row or report"
                )
        require_guardrails(self.guardrails)
        times = {column.name for column in self.columns if column.type is ColumnType.datetime}
        if odd := sorted(set(self.read.datetimes if self.read else ()) - times):
            raise ValueError(f"dataset.read.datetimes: declare '{odd[0]}' as datetime in dataset.columns")
        if self.rows is not None and self.rows.has_window and not (self.rows.column or self.time):
            raise ValueError("dataset.rows.after and before need dataset.rows.column, or dataset.time")

    def action_on(self, column: ColumnSpec) -> OnViolation:
        """What becomes of cells that break a rule of the column."""
        return column.on_violation or self.on_violation

    def _require_forecast(self) -> None:
        if (self.task is Task.forecasting) != (self.forecast is not None):
            raise ValueError(
                "dataset.task=forecasting and dataset.forecast need each other: give both, with "
                "dataset.forecast.horizon, or neither"
            )
        if self.forecast is None:
            return
        if self.stream is not None:
            raise ValueError(
                "dataset.stream and dataset.task=forecasting exclude each other: features of the past are made of "
                "whole series; set dataset.stream=null"
            )
        if self.time is None:
            raise ValueError("dataset.task=forecasting needs dataset.time, the column of times")
        if self.group is not None or self.fold is not None or self.validation_files or self.test is not None:
            raise ValueError(
                "dataset.task=forecasting is validated by time alone, and tested so: set dataset.group, "
                "fold, validation_files and test to null, null, [] and null"
            )
        taken = {*self.drop, self.label, *self.roles.values()} & set(self.forecast.series)
        if taken:
            raise ValueError(f"dataset.forecast.series names '{min(taken)}', which is dropped, the label or a role")
