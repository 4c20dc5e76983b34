"""What conf/automl declares of validation. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass
from enum import Enum

from keystage.data.spec import DatasetSpec


class ValidationKind(Enum):
    """On which rows trials are scored."""

    auto = "auto"
    folds = "folds"
    holdout = "holdout"
    groups = "groups"
    time = "time"
    column = "column"


_REPEATABLE = (ValidationKind.auto, ValidationKind.folds, ValidationKind.holdout, ValidationKind.groups)


@dataclass
class ValidationSpec:
    """The rows on which trials are scored.

    Attributes:
        kind: ``folds``: each row once; ``holdout``: a share of the rows; ``groups``: folds that part no group of
            ``dataset.group``; ``time``: each fold later than the rows it is predicted from, by ``dataset.time``;
            ``column``: as ``dataset.fold`` says, or the rows of ``dataset.validation_files``; ``auto``: column, groups
            or time where the dataset declares one, else by the number of rows (docs/validation.md).
        folds: how many, of folds, groups and time; null: by the number of rows.
        repeats: how often folds or a holdout are drawn anew; a score is the mean over all of them.
        share: of the rows that a holdout takes.
    """

    kind: ValidationKind = ValidationKind.auto
    folds: int | None = None
    repeats: int = 1
    share: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what splits nothing."""
        if self.folds is not None and self.folds < 2:
            raise ValueError(f"automl.validation.folds must be 2 or more, or null, not {self.folds}")
        if self.repeats < 1:
            raise ValueError(f"automl.validation.repeats must be 1 or more, not {self.repeats}")
        if not 0 < self.share < 1:
            raise ValueError(f"automl.validation.share must be between 0 and 1, not {self.share}")
        if self.repeats > 1 and self.kind not in _REPEATABLE:
            raise ValueError(
                f"automl.validation.repeats={self.repeats} has no sense with kind={self.kind.value}: nothing is drawn"
            )

    def require_suits(self, dataset: DatasetSpec) -> None:
        """Refuse a kind for which the dataset declares no column, and given validation rows that would be ignored.

        Raises:
            ValueError: names the setting that is needed.
        """
        has = {
            ValidationKind.groups: dataset.group is not None,
            ValidationKind.time: dataset.time is not None,
            ValidationKind.column: dataset.fold is not None or bool(dataset.validation_files),
        }
        needed = {
            ValidationKind.groups: "dataset.group, the column of groups",
            ValidationKind.time: "dataset.time, the column to order rows by",
            ValidationKind.column: "dataset.fold, a split column, or dataset.validation_files",
        }
        if not has.get(self.kind, True):
            raise ValueError(f"automl.validation.kind={self.kind.value} needs {needed[self.kind]}")
        if self.repeats > 1 and self.kind is ValidationKind.auto and (by := _settling(dataset)):
            raise ValueError(f"automl.validation.repeats={self.repeats} has no sense with {by}: nothing is drawn")
        if dataset.forecast is not None and self.kind not in {ValidationKind.auto, ValidationKind.time}:
            raise ValueError(
                f"automl.validation.kind={self.kind.value} would score forecasts on times before those they learnt "
                "from: take kind=auto or time"
            )
        if dataset.validation_files and self.kind not in {ValidationKind.auto, ValidationKind.column}:
            raise ValueError(
                f"automl.validation.kind={self.kind.value} would ignore dataset.validation_files: take kind=auto, or "
                "set dataset.validation_files=[]"
            )


def _settling(dataset: DatasetSpec) -> str | None:
    """The setting of a dataset by which ``auto`` is a kind that draws nothing."""
    if dataset.fold is not None or dataset.validation_files:
        return "dataset.fold" if dataset.fold is not None else "dataset.validation_files"
    return "dataset.time" if dataset.time is not None and dataset.group is None else None
