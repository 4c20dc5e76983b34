"""What conf/registry declares. Standard library only: DVC imports this on every experiment."""

from dataclasses import dataclass


@dataclass
class RegistrySpec:
    """Where the model goes.

    Attributes:
        model_name: the registered model's name.
        always_new_version: make a version even when that very model is one already, as Azure ML SDK v1 did.
    """

    model_name: str
    always_new_version: bool

    def __post_init__(self) -> None:
        """Refuse names that no registry takes."""
        if not self.model_name or set("/:.%\"'") & set(self.model_name):
            raise ValueError(f"registry.model_name {self.model_name!r} is empty or holds one of / : . % ' \"")
