"""What dataset.stream declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass
from enum import Enum

LEAST_ROWS = 1000  # of which a recipe, a profile and a search can say something


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
