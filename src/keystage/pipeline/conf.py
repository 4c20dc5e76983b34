"""Stage ``conf``: always runs, first. Notes what the settings name, for the keys of the stages that follow.

``run_stage`` has compared params.yaml with conf/ when this is reached, so a stale params.yaml stops ``dvc repro`` even
when all else would be reused. Equal notes are equal bytes, and re-run nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from uuid import uuid4

from keystage.adapters.dvc_state import known_digest
from keystage.core import extension
from keystage.core.errors import ConfigError, hint
from keystage.core.params import outside_key
from keystage.data.reading import column_names
from keystage.data.sources.pinned import NOTHING, Pinned, read_pinned
from keystage.data.spec import DatasetSpec
from keystage.evaluation.spec import EvaluationSpec
from keystage.pipeline import workspace
from keystage.pipeline.datasets import files_in_force, prepare_folder
from keystage.pipeline.inputs import LOCK_FILE
from keystage.pipeline.pinning import pin
from keystage.pipeline.state import require_recordable
from keystage.prep.spec import PrepSpec
from keystage.registry.spec import RegistrySpec
from keystage.reuse.environment import Environment, read_environment, require_locked
from keystage.reuse.named import (
    environment_note,
    extras_note,
    files_note,
    options_note,
    own_code,
    own_modules,
    reuse_note,
    sizes_note,
)
from keystage.reuse.spec import EnvironmentSpec, OnMismatch, ReuseSpec
from keystage.search.metrics import require_direction
from keystage.search.names import EXTRAS, OWN_ESTIMATORS, OWN_METRICS
from keystage.search.spec import SearchSpec

KEYED_STAGES = ("dataprep", "train", "evaluate", "report")


@dataclass
class ConfParams:
    """The sections of params.yaml that name what is part of a key. The stage always runs, so none is in its own."""

    dataset: DatasetSpec = outside_key("the stage always runs")
    prep: PrepSpec = outside_key("the stage always runs")
    automl: SearchSpec = outside_key("the stage always runs")
    evaluation: EvaluationSpec = outside_key("the stage always runs")
    registry: RegistrySpec = outside_key("the stage always runs")
    environment: EnvironmentSpec = outside_key("the stage always runs")
    reuse: ReuseSpec = outside_key("the stage always runs")


def conf(params: ConfParams) -> None:
    """Write the notes that the keys of the other stages name; and, in no key, the run's identity and the last dvc.lock.

    The identity tells results of this run from reused ones; ``keystage why`` reads the lock.
    """
    require_recordable(params.dataset, params.environment.lock)
    prepare_folder(params.dataset, Path())
    pinned = pin(params.dataset)
    require_segments(params.evaluation, params.dataset, pinned)
    workspace.RUN_NOTE.parent.mkdir(parents=True, exist_ok=True)
    workspace.RUN_NOTE.write_text(uuid4().hex, encoding="utf-8")
    if LOCK_FILE.is_file():
        workspace.LOCK_BEFORE.write_bytes(LOCK_FILE.read_bytes())
    for path, text in {**notes(params, Path(), pinned), **reuse_notes(params.reuse)}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def require_segments(spec: EvaluationSpec, dataset: DatasetSpec, pinned: Pinned = NOTHING) -> None:
    """Refuse a segment that is no column, before a search has taken its time; evaluate itself comes after it.

    Raises:
        ConfigError: names the nearest column.
        DatasetError: the first file cannot be read.
    """
    if not spec.segments:
        return
    header = column_names(dataset, Path(), pinned)  # none of a file that is not there, which is for dataprep to say
    header = [name for name in header if dataset.kept is None or name in dataset.kept]
    for name in spec.segments:
        if header and name not in header:
            raise ConfigError(
                f"evaluation.segments names '{name}', a column that is not there",
                why=f"the files of dataset '{dataset.name}' do not have it"
                + (", or dataset.keep does not name it" if dataset.keep is not None else ""),
                fix=f"correct the setting: {hint(name, header)}",
            )


def notes(params: ConfParams, root: Path, pinned: Pinned | None = None) -> dict[Path, str]:
    """What the settings name right now, by the file in which it is noted.

    Args:
        params: the settings.
        root: the project's folder.
        pinned: what is behind URLs and the query; None for what the last run of the stage found, so nobody is asked.

    Raises:
        EnvironmentMismatchError: packages differ from the lock, and ``environment.on_mismatch`` refuses that; or a
            learner is named whose extra is not installed as it is locked.
        ExtensionError: code of one's own is named that is not there.
    """
    lock = params.environment.lock
    environment = read_environment(root / lock, shown=lock)
    if params.environment.on_mismatch is OnMismatch.refuse:
        require_locked(environment, shown=lock)
    _require_own_code(params, root)
    known = read_pinned(root / workspace.PINNED_NOTE) if pinned is None else pinned
    data = files_in_force(params.dataset, root, known)
    transforms = own_code(own_modules(step.use for step in params.prep.steps), root, known_digest)
    metric = own_code(own_modules([params.automl.metric, params.automl.threshold]), root, known_digest)
    estimators = own_code(own_modules(params.automl.estimators or ()), root, known_digest)
    return {
        workspace.DATASET_NOTE: files_note(data),
        workspace.OWN_TRANSFORMS_NOTE: files_note(transforms),
        workspace.OPTIONS_NOTE: options_note(params.prep),
        workspace.OWN_METRIC_NOTE: files_note(metric),
        workspace.OWN_ESTIMATORS_NOTE: files_note(estimators),
        workspace.ENVIRONMENT_NOTE: environment_note(environment),
        workspace.EXTRAS_NOTE: extras_note(_extras(params.automl, root)),
        workspace.SIZES_NOTE: sizes_note(chain.from_iterable(map(dict.values, (data, transforms, metric, estimators)))),
    }


def _require_own_code(params: ConfParams, root: Path) -> None:
    """Refuse a reference to code of one's own that is not there, before a stage has taken its time."""
    named = {
        (extension.TRANSFORMS, "class or function"): [step.use for step in params.prep.steps],
        (OWN_METRICS, "function"): [
            params.automl.metric,
            params.automl.threshold,
            *(condition.metric for condition in params.registry.gate if condition.metric is not None),
        ],
        (OWN_ESTIMATORS, "class"): params.automl.estimators or [],
    }
    for (module, kind), references in named.items():
        for reference in references:
            if not reference.startswith("project."):
                continue
            written = extension.require_written(reference, module, kind, root)
            if module == OWN_METRICS:
                require_direction(reference, written)


def _extras(spec: SearchSpec, root: Path) -> Iterator[Environment]:
    """The packages of the learners that are extras. They must be as locked: no record is kept of others."""
    for name in set(spec.named()) & EXTRAS.keys():
        found = read_environment(root / EXTRAS[name], shown=EXTRAS[name])
        require_locked(found, shown=EXTRAS[name], fix=f"make {name}, or take {name} off automl.estimators")
        yield found


def reuse_notes(spec: ReuseSpec) -> dict[Path, str]:
    """Per stage, whether an earlier result may be used."""
    return {workspace.reuse_note(stage): reuse_note(allowed=getattr(spec, stage)) for stage in KEYED_STAGES}
