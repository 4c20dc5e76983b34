"""The whole contract of conf/ on one screen: one field per group. OmegaConf refuses what does not fit.

Imported by DVC on every ``dvc exp run`` through ``hydra_plugins``, so it imports nothing heavy.
"""

from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from typing import Any, get_type_hints

from keystage.compute.spec import ComputeSpec
from keystage.core.params import is_group_or_null
from keystage.data.spec import DatasetSpec
from keystage.evaluation.spec import EvaluationSpec
from keystage.prep.spec import PrepSpec
from keystage.registry.spec import RegistrySpec
from keystage.reuse.spec import EnvironmentSpec, ReuseSpec
from keystage.search.spec import SearchSpec
from keystage.tracking.spec import TrackingSpec

MAX_SEED = 2**32  # NumPy's legacy generators, which scikit-learn seeds, take 32 bits


@dataclass
class Conf:
    """params.yaml, section by section.

    Attributes:
        seed: of the split, of draws in the recipe, of the folds and of the search.
        overrides: what was given on the command line when params.yaml was composed; recorded, never written by hand.
    """

    seed: int
    dataset: DatasetSpec
    prep: PrepSpec
    automl: SearchSpec
    evaluation: EvaluationSpec
    compute: ComputeSpec
    environment: EnvironmentSpec
    reuse: ReuseSpec
    registry: RegistrySpec
    tracking: TrackingSpec
    overrides: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse a seed that NumPy refuses, and a split, search, evaluation or gate that does not suit the dataset."""
        if not 0 <= self.seed < MAX_SEED:
            raise ValueError(f"seed must be between 0 and {MAX_SEED - 1}, not {self.seed}")
        self.prep.require_suits(self.dataset)
        self.automl.require_suits(self.dataset.task.learnt)
        self.registry.require_suits(self.dataset.task.learnt)
        self.automl.validation.require_suits(self.dataset)
        self.evaluation.require_suits(self.dataset)


def open_schema(section: type = Conf) -> type:
    """The schema that Hydra composes with: groups that are null stand open, so that overrides reach into them.

    What is composed is held to ``Conf`` itself afterwards, by ``keystage compose`` and by each stage.
    """
    hints = get_type_hints(section)
    opened = []
    for item in fields(section):
        kind = hints[item.name]
        if is_group_or_null(item):
            kind = Any
        elif is_dataclass(kind) and isinstance(kind, type):
            kind = open_schema(kind)
        opened.append((item.name, kind, field(default=item.default, default_factory=item.default_factory)))
    stays = all(kind is hints[name] for name, kind, _ in opened)
    return section if stays else make_dataclass(section.__name__, opened)
