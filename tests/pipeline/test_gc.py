"""What gc removes and what it keeps: everything that a name of git or the workspace leads to."""

import json
import shutil
from pathlib import Path

import pytest
from tests.conftest import Project

pytestmark = pytest.mark.slow

KEPT = {
    "a branch": "automl.ensemble_size=1",
    "a registered version": "automl.metric=log_loss",
    "an experiment": "automl.metric=f1",
}
FORGOTTEN = "automl.estimators=[lrl1]"


def _cached(project: Project) -> set[Path]:
    return {path for path in project.root.glob(".dvc/cache/**/*") if path.is_file()}


def _runs_train(project: Project, override: str) -> bool:
    plan = json.loads(project.call("keystage", "plan", "--json", override).stdout)
    return next(stage["decision"] for stage in plan["stages"] if stage["name"] == "train") == "RUN"


@pytest.fixture
def grown(project: Project) -> Project:
    """With results that a branch, a registered version and an experiment refer to, and one that nothing does."""
    for name, override in [*KEPT.items(), ("nothing", FORGOTTEN)]:
        project.call("keystage", "compose", override)
        project.call("dvc", "repro", "evaluate" if name in {"a branch", "nothing"} else "train")
        if name == "an experiment":
            project.call("dvc", "exp", "save", "--name", "kept")
        elif name != "nothing":
            project.commit(name)
            ref = "refs/heads/other" if name == "a branch" else "refs/keystage/versions/Model/1"
            project.call("git", "update-ref", ref, "HEAD")
            project.call("git", "reset", "--quiet", "--hard", "HEAD~1")
        else:
            project.call("git", "reset", "--quiet", "--hard")
    return project


def test_gc_keeps_what_any_name_leads_to_and_frees_the_rest(grown: Project) -> None:
    grown.call("dvc", "exp", "run", "--queue", "--name", "later", "-S", KEPT["a branch"])
    before = _cached(grown)

    said = grown.call("keystage", "gc").stdout

    assert "train: artifacts/model.pkl" in said
    assert "evaluate: reports/plots" in said
    assert "Nothing is removed yet: keystage gc --yes" in said
    assert _cached(grown) == before

    done = grown.call("keystage", "gc", "--yes").stdout

    assert "Removed " in done
    assert "and 2 recorded runs" in done
    assert "0 objects, 0.0 MB are referred to by nothing, and 0 recorded runs" in grown.call("keystage", "gc").stdout
    assert _runs_train(grown, FORGOTTEN)
    for override in (*KEPT.values(), "seed=11"):
        assert not _runs_train(grown, override)
    grown.call("git", "checkout", "--quiet", "other")
    assert grown.stages_run("dvc", "repro", "evaluate") == {"conf"}
    grown.call("git", "checkout", "--quiet", "-")
    assert grown.stages_run("dvc", "repro", "evaluate") == {"conf"}, "what the workspace refers to is restored"
    queued = grown.call("dvc", "exp", "run", "--run-all").stdout
    assert "Stage 'train' is cached - skipping run" in queued
    assert "Running stage 'register'" in queued


@pytest.mark.parametrize("name", ["dvc.yaml", "dvc.lock"])
def test_gc_removes_nothing_when_it_cannot_read_what_a_name_leads_to(project: Project, name: str) -> None:
    project.call("git", "checkout", "--quiet", "-b", "broken")
    project.append(name, ": [\n")
    project.commit("broken")
    project.call("git", "checkout", "--quiet", "-")
    before = _cached(project)

    done = project.call("keystage", "gc", "--yes", ok=False)

    assert done.returncode == 1
    assert "error[project]: what refs/heads/broken refers to cannot be read, so nothing is removed" in done.stdout
    assert f"'{name}'" in done.stdout
    assert "  fix: correct its dvc.yaml, dvc.lock or datasets/, or remove refs/heads/broken" in done.stdout
    assert _cached(project) == before


def test_gc_leaves_a_cache_alone_that_may_serve_other_projects(project: Project, tmp_path: Path) -> None:
    shutil.move(project.root / ".dvc/cache", tmp_path / "shared")
    project.call("dvc", "cache", "dir", str(tmp_path / "shared"))

    done = project.call("keystage", "gc", "--yes", ok=False)

    assert done.returncode == 1
    assert "error[project]: the cache at " in done.stdout
    assert "may serve other projects" in done.stdout


def test_gc_waits_for_experiments_that_run_in_copies(project: Project) -> None:
    running = project.start("dvc", "exp", "run", "--temp", "-S", "seed=4", until="Running stage 'conf'")

    done = project.call("keystage", "gc", "--yes", ok=False)
    running.kill()
    running.communicate()

    assert done.returncode == 1
    assert "error[project]: experiments are running" in done.stdout
    assert f"process {running.pid}: " in done.stdout
