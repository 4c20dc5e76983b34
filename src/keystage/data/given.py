"""Which rows are the test, where a dataset says so. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field


@dataclass
class GivenTest:
    """Rows that are the test because the dataset says so. Either files, or a column.

    Attributes:
        files: further files like ``dataset.files``; their rows are the test.
        column: a column, of no other use, whose cells say what a row is for: train, test or validation.
    """

    files: list[str] = field(default_factory=list)
    column: str | None = None

    def __post_init__(self) -> None:
        """Refuse none, and both."""
        if bool(self.files) == (self.column is not None):
            raise ValueError("dataset.test names files, or a column that says which rows are tested: give one of them")
