"""What conf/prep declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field
from typing import Any

from keystage.data.spec import DatasetSpec, SplitKind

AUTO = "auto"  # the step that becomes others, by what the columns hold


@dataclass
class TransformSpec:
    """One step of a recipe.

    Attributes:
        use: a transform of ``keystage.prep.transforms``, ``auto``, ``sklearn.MODULE:Name`` or
            ``project.transforms:Name``.
        columns: the columns it is fitted on and replaces; all others pass through. None are all of them, for ``auto``,
            ``finite`` and your own.
        options: keyword arguments of the transform.
    """

    use: str
    columns: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class PrepSpec:
    """The split and the recipe.

    Attributes:
        test_size: share of the rows kept for the test before anything is fitted, between 0 and 1; null for forecasts,
            whose test is the last ``dataset.forecast.horizon`` periods of each series. Not used where ``dataset.test``
            says which rows are tested.
        steps: transforms in the order in which they are applied.
        split: how the test rows are chosen; ``auto`` is by ``dataset.test``, else ``dataset.group``, else
            ``dataset.time``, else at random.
    """

    test_size: float | None
    steps: list[TransformSpec] = field(default_factory=list)
    split: SplitKind = SplitKind.auto

    def __post_init__(self) -> None:
        """Refuse a share that leaves one side empty."""
        if self.test_size is not None and not 0 < self.test_size < 1:
            raise ValueError(
                f"prep.test_size must be between 0 and 1, not {self.test_size}: without test rows nothing could be "
                "said of a model, and no gate could look at it"
            )

    def require_suits(self, dataset: DatasetSpec) -> None:
        """Refuse a split by what the dataset does not declare.

        Raises:
            ValueError: names the setting that is needed.
        """
        if dataset.forecast is not None and (self.test_size is not None or self.split is SplitKind.random):
            raise ValueError(
                "a forecast is tested on the last periods of each series: set prep.test_size=null and prep.split=auto, "
                "as prep=forecast does"
            )
        if dataset.test is not None and self.split is not SplitKind.auto:
            raise ValueError(
                f"dataset.test says which rows are tested, and prep.split={self.split.value} says it otherwise: set "
                "prep.split=auto, or dataset.test=null"
            )
        if dataset.forecast is None and dataset.test is None and self.test_size is None:
            raise ValueError("prep.test_size is null, which suits dataset.task=forecasting alone, and dataset.test")
        needed = {SplitKind.groups: "group", SplitKind.time: "time"}.get(self.split)
        if needed and needed not in dataset.roles:
            raise ValueError(f"prep.split={self.split.value} needs dataset.{needed}, the column to split by")
