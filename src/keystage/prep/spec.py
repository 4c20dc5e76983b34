"""What conf/prep declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class TransformSpec:
    """One step of a recipe.

    Attributes:
        use: a transform of ``keystage.prep.transforms``, or ``project.transforms:Name``.
        columns: the columns it is fitted on and replaces; all others pass through.
        options: keyword arguments of the transform.
    """

    use: str
    columns: list[str]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class PrepSpec:
    """The split and the recipe.

    Attributes:
        test_size: share of the rows kept for the test before anything is fitted, between 0 and 1.
        steps: transforms in the order in which they are applied.
    """

    test_size: float
    steps: list[TransformSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse a share that leaves one side empty."""
        if not 0 < self.test_size < 1:
            raise ValueError(f"prep.test_size must be between 0 and 1, not {self.test_size}")
