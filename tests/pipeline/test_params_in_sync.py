"""A params.yaml that conf/ no longer gives stops every way of running the pipeline."""

import pytest
from tests.conftest import Project

MEND = "keystage compose"


@pytest.fixture
def project(registered: Project) -> Project:
    """None of these tests looks at the registry."""
    return registered


def test_dvc_repro_stops_after_an_edit_of_conf_though_all_else_would_be_reused(project: Project) -> None:
    project.edit("conf/automl/smoke.yaml", "folds: 2", "folds: 3")

    done = project.call("dvc", "repro", "train", ok=False)

    assert done.returncode != 0
    assert "error[stale-params]: params.yaml is not what conf/ gives" in done.stdout
    assert "automl.validation.folds is 2 in params.yaml, conf/ gives 3" in done.stdout
    assert MEND in done.stdout
    assert "Running stage 'train'" not in done.stdout

    project.call("keystage", "compose")
    assert "train" in project.stages_run("dvc", "repro", "train")


def test_a_value_of_another_type_is_another_value(project: Project) -> None:
    project.edit("conf/prep/titanic.yaml", "fill_value: 0", "fill_value: false")

    assert "error[stale-params]" in project.call("dvc", "repro", ok=False).stdout


def test_a_stage_asked_for_alone_stops_too(project: Project) -> None:
    project.edit("conf/automl/smoke.yaml", "folds: 2", "folds: 3")

    done = project.call("dvc", "repro", "--single-item", "--force", "train", ok=False)

    assert done.returncode != 0
    assert "error[stale-params]" in done.stdout


def test_params_edited_by_hand_stop_the_pipeline(project: Project) -> None:
    project.edit("params.yaml", "ensemble_size: 2", "ensemble_size: 9")

    done = project.call("dvc", "repro", ok=False)

    assert done.returncode != 0
    assert "automl.ensemble_size is 9 in params.yaml, conf/ gives 2" in done.stdout


def test_params_left_from_another_commit_stop_the_pipeline(project: Project) -> None:
    project.edit("conf/config.yaml", "seed: ", "seed: 1")
    project.call("keystage", "compose")
    project.commit("another seed")
    project.call("git", "checkout", "--quiet", "HEAD~1", "--", "conf")

    done = project.call("dvc", "repro", ok=False)

    assert "error[stale-params]" in done.stdout

    project.call("git", "checkout", "--quiet", "--force", "HEAD~1")
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}


def test_overrides_are_recorded_and_still_hold_at_the_next_dvc_repro(project: Project) -> None:
    project.call("keystage", "compose", "automl.ensemble_size=1", "experiment=f1", "automl=smoke")

    assert "- experiment=f1\n" in (project.root / "params.yaml").read_text(encoding="utf-8")
    assert "train" in project.stages_run("dvc", "repro", "train")


def test_dvc_exp_run_composes_and_records_its_overrides_by_itself(project: Project) -> None:
    project.edit("conf/automl/smoke.yaml", "ensemble_size: 2", "ensemble_size: 1")

    done = project.call("dvc", "exp", "run", "-S", "automl.metric=f1")

    assert "stale-params" not in done.stdout
    assert "overrides:\n- automl.metric=f1\n" in (project.root / "params.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "override",
    [
        "automl.metric=auc",
        "automl.metrc=f1",
        "automl.validation.folds=many",
        "automl=thorogh",
        "automl.validation.folds=1",
    ],
)
def test_dvc_exp_run_refuses_a_wrong_override_before_any_stage_works(project: Project, override: str) -> None:
    done = project.call("dvc", "exp", "run", "-S", override, ok=False)

    assert done.returncode != 0
    assert "Running stage 'dataprep'" not in done.stdout
    assert "Running stage 'train'" not in done.stdout
    assert "Traceback" not in done.stdout
