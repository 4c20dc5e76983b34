"""What conf/compute declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass


@dataclass
class ComputeProfile:
    """How much of the machine one stage may use.

    Attributes:
        cores: threads for a fit or a matrix product; 0 takes all cores that this process may use.
    """

    cores: int

    def __post_init__(self) -> None:
        """Refuse a negative number of cores."""
        if self.cores < 0:
            raise ValueError(f"compute cores must be 0 (all) or more, not {self.cores}")


@dataclass
class ComputeSpec:
    """A profile per stage, so that one override gives only training the stronger one."""

    dataprep: ComputeProfile
    train: ComputeProfile
    evaluate: ComputeProfile
    report: ComputeProfile
    register: ComputeProfile
