"""What dataset.stream declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass
from enum import Enum

from keystage.data.given import GivenTest
from keystage.data.sources.spec import Format, ReadSpec, RowsSpec

LEAST_ROWS = 1000  # of which a recipe, a profile and a search can say something
STREAMED = (Format.csv, Format.tsv, Format.parquet)


class TrainOn(Enum):
    """What goes on to the stages after dataprep."""

    sample = "sample"
    all = "all"


@dataclass
class StreamSpec:
    """How a table is read that does not fit into memory: in blocks, of which a seeded sample is kept.

    Attributes:
        rows: how many rows are held in memory; of a table that has more, a sample stratified by the label.
        train_on: ``sample``: those rows are the table that is split, prepared and learnt from; ``all``: all rows are
            split and prepared, the recipe is fitted on the training rows of the sample.
    """

    rows: int = 1_000_000
    train_on: TrainOn = TrainOn.sample

    def __post_init__(self) -> None:
        """Refuse a sample of which nothing can be said."""
        if self.rows < LEAST_ROWS:
            raise ValueError(f"dataset.stream.rows must be {LEAST_ROWS} or more, not {self.rows}")


def require_streamable(
    stream: StreamSpec, read: ReadSpec | None, rows: RowsSpec | None, test: GivenTest | None
) -> None:
    """Refuse settings of a dataset that need all of its rows at once, or that only pandas' reader knows.

    Raises:
        ValueError: names them.
    """
    if test is not None and stream.train_on is TrainOn.all:
        raise ValueError(
            "dataset.stream.train_on=all draws the test rows, and dataset.test gives them: set train_on=sample, or "
            "dataset.stream=null"
        )
    found = {"rows.sample (dataset.stream.rows is one)": rows is not None and rows.sample is not None}
    if read is not None:
        marks = [mark for mark in (read.separator, read.quote, read.decimal) if mark]
        found |= {
            "read.query": read.query is not None,
            "read.format": read.format is not None and read.format not in STREAMED,
            "read.separator, quote or decimal beyond ASCII": not all(mark.isascii() for mark in marks),
        }
    if named := [f"dataset.{name}" for name, unsuited in found.items() if unsuited]:
        raise ValueError(
            f"dataset.stream reads tables in blocks, and knows no {', '.join(named)}: set dataset.stream=null, or "
            "write the rows that are wanted as CSV or as Parquet"
        )
