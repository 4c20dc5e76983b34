"""What conf/dataset declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath

from keystage.core.params import outside_key


class Task(Enum):
    """What is learnt."""

    classification = "classification"
    regression = "regression"


class ColumnType(Enum):
    """The type a column must have; a cell that cannot be read as such is an error."""

    integer = "integer"
    number = "number"
    string = "string"
    boolean = "boolean"
    datetime = "datetime"


@dataclass
class ColumnSpec:
    """A declared column; it must be in every file."""

    name: str
    type: ColumnType


@dataclass
class DatasetSpec:
    """A table made of one or more CSV files with the same header.

    Attributes:
        files: CSV files in the folder (UTF-8, comma, header), read in this order and put below each other.
        label: the column to predict. Rows without it are left out, and counted in the report.
        task: what is learnt.
        name: what the dataset is called in messages and in the tracking store.
        path: the folder, relative to the project; other files in it are no part of the dataset.
        columns: types by column; a column that is not listed is typed by its whole content.
        drop: columns that are left out before preparation.
        missing: texts that stand for a missing cell.
    """

    files: list[str]
    label: str
    task: Task
    name: str = outside_key("a name changes no result")
    path: str = outside_key("the files are in the key by content; where they lie changes no result")
    columns: list[ColumnSpec] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=lambda: [""])

    def __post_init__(self) -> None:
        """Refuse what no table can satisfy."""
        if not self.files:
            raise ValueError("dataset.files is empty: name at least one CSV file")
        if self.label in self.drop:
            raise ValueError(f"dataset.drop contains the label '{self.label}'")
        if len(set(self.files)) < len(self.files):
            raise ValueError("dataset.files names a file twice: its rows would stand in training and test")
        if PurePath(self.path).is_absolute() or ".." in PurePath(self.path).parts:
            raise ValueError(f"dataset.path '{self.path}' must be a folder of the project, like data/{self.name}")
