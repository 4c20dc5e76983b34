"""Stage ``register``: mirror the training to MLflow and register recipe and model as one that takes raw rows.

It always runs, so what it does is idempotent: a training that is mirrored and a model that is registered are found by
digest and left as they are.
"""

import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keystage.adapters import git
from keystage.adapters.mlflow_model import size_of
from keystage.adapters.mlflow_store import MlflowStore, open_store
from keystage.compute.spec import ComputeSpec
from keystage.core.params import outside_key
from keystage.data.table import read_table
from keystage.pipeline import workspace
from keystage.pipeline.gate import open_gate, scores, settings_of, test_rows
from keystage.pipeline.mirror import parameters, reports, training_record
from keystage.pipeline.outcome import Outcome, tell
from keystage.pipeline.receipt import Receipt
from keystage.pipeline.state import lineage_here
from keystage.registry import package
from keystage.registry.entries import (
    CHALLENGER,
    DIGEST_TAG,
    JUDGEMENT_TAG,
    METRICS_TAG,
    OUTCOME_TAG,
    TEST_ROWS_TAG,
    Entry,
    Model,
)
from keystage.registry.gate import Judgement
from keystage.registry.lineage import Lineage
from keystage.registry.spec import OnRefusal, Promote, RegistrySpec
from keystage.search.spec import SearchSpec
from keystage.tracking.spec import TrackingSpec

logger = logging.getLogger(__name__)

EXAMPLE_ROWS = 20  # raw test rows kept as the input example
MODEL_CARDS = "model_card"  # how the names of files begin that are put beside the model
BY = "stage register"


@dataclass
class RegisterParams:
    """The sections of params.yaml that register reads. The stage always runs, so none is in a key."""

    registry: RegistrySpec = outside_key("the stage always runs")
    tracking: TrackingSpec = outside_key("the stage always runs")
    automl: SearchSpec = outside_key("the stage always runs")
    compute: ComputeSpec = outside_key("the stage always runs")


@dataclass(frozen=True)
class _Work:
    """What this run has to register.

    Attributes:
        spec: of conf/registry.
        metric: automl.metric.
        lineage: of the results in this folder.
        store: open.
        run_id: of the training.
        code: folder with the sources the model's classes are defined in.
        digest: of recipe, model, lock and code.
        model: as it is registered before this run; None for a new name.
    """

    spec: RegistrySpec
    metric: str
    lineage: Lineage
    store: MlflowStore
    run_id: str
    code: Path
    digest: str
    model: Model | None

    @property
    def champion(self) -> Entry | None:
        return self.model.champion if self.model else None

    @property
    def twin(self) -> Entry | None:
        """The newest version that is this very model."""
        every = self.model.versions if self.model and not self.spec.always_new_version else ()
        return next((entry for entry in reversed(every) if entry.digest == self.digest), None)


def register(params: RegisterParams) -> None:
    """Mirror, package, judge and register; say which version it is, and what the gate found.

    Raises:
        RegistryError: the gate refused the model and ``on_refusal: stop`` is declared; or it does not predict, loaded
            in a clean process, what was evaluated.
    """
    spec, home = params.registry, workspace.main_root()
    with tempfile.TemporaryDirectory() as folder:
        notes = (workspace.OWN_TRANSFORMS_NOTE, workspace.OWN_ESTIMATORS_NOTE)
        own = [path.removeprefix("src/") for note in notes for path in workspace.read_json(note)]
        code = package.copy_code(Path("src"), Path(folder), own)
        files = (workspace.RECIPE, workspace.MODEL, workspace.ENVIRONMENT_NOTE)
        digest = package.digest_of(files, code, _intervals())
        receipt = Receipt.of(params.tracking.uri, spec, digest, home)
        if (known := receipt.outcome()) and not spec.always_new_version:
            _say_twin(spec.model_name, str(known.version))
            outcome = known
        else:
            outcome = _in_store(params, code, digest, home)
            receipt.keep(outcome)
    tell(spec, outcome)


def _in_store(params: RegisterParams, code: Path, digest: str, home: Path) -> Outcome:
    """The version that this model is or becomes, if it does, what the gate found, and its aliases after that."""
    tracking, lineage = params.tracking, lineage_here(parameters())
    logger.info("Opening MLflow at %s", tracking.uri)
    with open_store(tracking.uri, tracking.experiment, home) as store:
        work = _Work(
            spec=params.registry,
            metric=params.automl.metric,
            lineage=lineage,
            store=store,
            run_id=store.mirror(training_record(lineage)),
            code=code,
            digest=digest,
            model=store.registry.find(params.registry.model_name),
        )
        number, judgement = _known(work) or _judged_twin(work) or _registered(work, home)
        found = store.registry.version(f"{params.registry.model_name}@{number}")[1] if number else None
        return Outcome(number, judgement, found.aliases if found else ())


def _say_twin(name: str, number: str) -> None:
    logger.info("Model %s has this very model already, as version %s; no new version", name, number)


def _known(work: _Work) -> tuple[str | None, Judgement] | None:
    """What became of this very model before, as long as the gate would find the same."""
    twin = work.twin
    if twin is not None:
        judgement = twin.judgement
    else:
        notes = work.store.notes(work.run_id)
        is_it = notes.get(DIGEST_TAG) == work.digest and work.spec.on_refusal is not OnRefusal.version
        judgement = Judgement.from_text(notes[JUDGEMENT_TAG]) if is_it else None
    champion = work.champion.number if work.champion else ""
    if judgement is None or not judgement.still_holds(settings_of(work.spec, work.metric), champion):
        return None
    name = work.spec.model_name
    if twin is None:
        logger.info("The gate of %s refused this very model before; no new version", name)
        return None, judgement
    _say_twin(name, twin.number)
    return twin.number, judgement


def _judged_twin(work: _Work) -> tuple[str, Judgement] | None:
    """A version that is there, held against a gate or a champion that has changed since."""
    if (twin := work.twin) is None:
        return None
    logger.info("Model %s has this very model already, as version %s; its gate is new", twin.model, twin.number)
    with open_gate(work.spec, work.metric, work.champion, work.digest, work.store.registry.tracking_uri) as gate:
        judgement = gate.judge(twin.uri, size_of(twin.uri, str(twin)))
    work.store.registry.describe(twin.model, twin.number, judgement.words, _gate_tags(judgement))
    if judgement.passed:
        _give_aliases(work, twin.number)
    elif CHALLENGER in twin.aliases:
        _withdraw(work, twin.number)
    return twin.number, judgement


def _registered(work: _Work, home: Path) -> tuple[str | None, Judgement]:
    """Pack the model, bring it to the gate, and make a version of it, or not, as declared."""
    spec, store = work.spec, work.store
    with open_gate(spec, work.metric, work.champion, work.digest, store.registry.tracking_uri) as gate:
        logger.info("Packing the model")
        logged = store.log(_package(work), work.run_id, spec.format)
        logger.info("Trying it on raw rows in a process of its own")
        judgement = gate.judge(logged.uri, logged.size)
    tags = {**work.lineage.tags, DIGEST_TAG: work.digest, **_gate_tags(judgement)}
    if not judgement.passed and spec.on_refusal is not OnRefusal.version:
        store.discard(logged, work.run_id, {DIGEST_TAG: work.digest, **_gate_tags(judgement)})
        return None, judgement
    tags |= {"keystage.training_run": work.run_id, METRICS_TAG: json.dumps(_metrics(work.metric))}
    tags |= {TEST_ROWS_TAG: test_rows()}
    store.attach(logged, [path for path in reports() if path.name.startswith(MODEL_CARDS)])
    git.keep(Path(), work.lineage.commit, home)  # first: a version names no state that git may throw away
    number = store.register(logged, spec.model_name, work.run_id, judgement.words, tags)
    git.name_version(home, spec.model_name, number, work.lineage.commit)
    logger.info("Registered version %s of model %s", number, spec.model_name)
    if judgement.passed:
        _give_aliases(work, number)
    return number, judgement


def _give_aliases(work: _Work, number: str) -> None:
    """``challenger`` to the newest version that passed; ``champion`` as declared."""
    name, registry = work.spec.model_name, work.store.registry
    registry.point(name, CHALLENGER, number)
    first = work.spec.promote is Promote.first and work.champion is None
    if first or work.spec.promote is Promote.always:
        since = "now" if registry.promote(name, number, BY).is_new else "already"
        logger.info("Version %s is champion %s (registry.promote=%s)", number, since, work.spec.promote.value)


def _withdraw(work: _Work, number: str) -> None:
    """Take ``challenger`` from a version that passes no more; the newest other one that passed gets it."""
    name, registry = work.spec.model_name, work.store.registry
    other = work.model.newest_passed(but=number) if work.model else None
    if other is None:
        registry.unpoint(name, CHALLENGER)
        logger.warning("Version %s is challenger no more; no other one passed the gate", number)
    else:
        registry.point(name, CHALLENGER, other.number)
        logger.warning("Version %s is challenger no more; version %s is", number, other.number)


def _gate_tags(judgement: Judgement) -> dict[str, str]:
    return {OUTCOME_TAG: judgement.outcome, JUDGEMENT_TAG: judgement.as_text()}


def _metrics(first: str) -> dict[str, tuple[float, float | None, float | None]]:
    """On the test rows, the one that was searched for first."""
    found = scores()
    return {name: found[name] for name in sorted(found, key=lambda name: name != first)}


def _package(work: _Work) -> package.ModelPackage:
    recipe, model = workspace.read_pickle(workspace.RECIPE), workspace.read_pickle(workspace.MODEL)
    example = read_table(workspace.RAW_TEST).features.head(EXAMPLE_ROWS)[list(recipe.steps[0][1].feature_names_in_)]
    return package.ModelPackage(
        pipeline=package.join(recipe, model, _intervals(), recipe.transform(example).columns),
        example=example,
        requirements=package.requirements_of(model, recipe),
        code=work.code,
        lineage=work.lineage.as_metadata(),
    )


def _intervals() -> dict[str, Any] | None:
    """Of a forecast, as stage evaluate found them."""
    found: dict[str, Any] | None = workspace.read_json(workspace.EVALUATION)["forecast"]
    return found
