"""What conf/evaluation declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field

from keystage.data.spec import DatasetSpec

LEAST_RESAMPLES = 100  # fewer do not find the ends of an interval


@dataclass
class ImportanceSpec:
    """How the importance of raw columns is measured.

    Attributes:
        rows: test rows whose cells are shuffled; of more, a seeded sample is taken.
        repeats: shuffles of each column; 0 leaves importance and dependence out.
    """

    rows: int = 2000
    repeats: int = 5

    def __post_init__(self) -> None:
        """Refuse what measures nothing."""
        if self.rows < 2:
            raise ValueError(f"evaluation.importance.rows must be 2 or more, not {self.rows}")
        if self.repeats < 0:
            raise ValueError(f"evaluation.importance.repeats must be 0 (none) or more, not {self.repeats}")


@dataclass
class EvaluationSpec:
    """What is told of the model on the test rows, besides its metrics.

    Attributes:
        segments: columns of the files, also dropped ones, by whose values the primary metric is told.
        resamples: bootstrap samples behind an interval, 100 or more; 0 leaves intervals out.
        level: the share of intervals that hold the true value, between 0.5 and 1.
        importance: of raw columns, by shuffling them.
        worst: how many of the worst predictions are shown as rows.
    """

    segments: list[str] = field(default_factory=list)
    resamples: int = 1000
    level: float = 0.95
    importance: ImportanceSpec = field(default_factory=ImportanceSpec)
    worst: int = 10

    def __post_init__(self) -> None:
        """Refuse settings from which no interval comes, and columns named twice."""
        if self.resamples != 0 and self.resamples < LEAST_RESAMPLES:
            raise ValueError(
                f"evaluation.resamples must be {LEAST_RESAMPLES} or more, or 0 for no intervals, not {self.resamples}"
            )
        if not 0.5 <= self.level < 1:
            raise ValueError(f"evaluation.level must be from 0.5 to below 1, like 0.95, not {self.level}")
        if self.worst < 0:
            raise ValueError(f"evaluation.worst must be 0 (none) or more, not {self.worst}")
        if len(set(self.segments)) < len(self.segments):
            raise ValueError("evaluation.segments names a column twice")

    def require_suits(self, dataset: DatasetSpec) -> None:
        """Refuse segments by the label. Whether the files have the others, stage conf looks: not all are declared.

        Raises:
            ValueError: names the label.
        """
        if dataset.label in self.segments:
            raise ValueError(
                f"evaluation.segments names the label '{dataset.label}': metrics by class are told anyhow (per_class)"
            )
