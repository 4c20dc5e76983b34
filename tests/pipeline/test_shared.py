"""Results shared through a remote: what one machine has made, no other needs to make."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
import yaml
from tests import servers
from tests.conftest import ROOT, Project
from tests.servers import Store

pytestmark = pytest.mark.slow

ALWAYS = {"conf"}  # and register, which is left out here: it takes longest, and reads the files that are compared
OTHER_SETTING = "automl.ensemble_size=1"
Digests = dict[str, str]


@dataclass(frozen=True)
class Machine(Project):
    """A project on a machine of its own, with its own environment variables."""

    variables: dict[str, str] = field(default_factory=dict)

    def call(self, *command: str, ok: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        return super().call(*command, ok=ok, **self.variables | variables)

    def digests(self) -> Digests:
        """What stages wrote, by path."""
        files = [path for part in ("artifacts", "reports") for path in (self.root / part).rglob("*") if path.is_file()]
        return {
            path.relative_to(self.root).as_posix(): hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            for path in files
            if path.name != ".gitignore"
        }


@dataclass(frozen=True)
class Made:
    """Results of two settings; those of the first are committed, those of the other are in the cache alone."""

    root: Path
    first: Digests
    other: Digests


@pytest.fixture(scope="module")
def made(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Made:
    here = Machine(tmp_path_factory.mktemp("made") / "here")
    shutil.copytree(finished.root, here.root)
    pipeline = yaml.safe_load((here.root / "dvc.yaml").read_text(encoding="utf-8"))
    del pipeline["stages"]["register"]
    (here.root / "dvc.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    here.commit("without register")
    first = here.digests()
    here.call("keystage", "run", OTHER_SETTING)
    other = here.digests()
    here.call("git", "reset", "--hard", "--quiet")
    return Made(here.root, first, other)


def _here(made: Made, store: Store, tmp_path: Path) -> Machine:
    """The machine where the results were made, with the remote set and committed."""
    here = Machine(tmp_path / "here", dict(store.credentials))
    shutil.copytree(made.root, here.root)
    here.call("dvc", "remote", "add", "--default", "shared", store.url)
    for option, value in store.settings.items():
        here.call("dvc", "remote", "modify", "shared", option, value)
    here.commit("a remote")
    return here


def _elsewhere(here: Machine, name: str = "there") -> Machine:
    """A fresh clone, for another user in another place."""
    root, home = here.root.parent / name / "clone", here.root.parent / name / "home"
    home.mkdir(parents=True)
    here.call("git", "clone", "--quiet", str(here.root), str(root))
    own = {"HOME": str(home), "USER": name, "LOGNAME": name, "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    return Machine(root, here.variables | own)


def test_a_fresh_clone_on_another_machine_gets_the_results_of_all_earlier_runs(made: Made, tmp_path: Path) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.call("keystage", "push")
        there = _elsewhere(here)

        assert there.stages_run("keystage", "run") == ALWAYS
        assert there.digests() == made.first

        assert there.stages_run("keystage", "run", OTHER_SETTING) == ALWAYS
        assert there.digests() == made.other


@pytest.mark.parametrize("kind", [servers.s3, servers.azure], ids=lambda kind: kind.__name__)
def test_results_are_shared_through_a_server(
    kind: Callable[[Path], AbstractContextManager[Store]], made: Made, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    with kind(tmp_path / "store") as store:
        here = _here(made, store, tmp_path)
        here.call("keystage", "push")
        there = _elsewhere(here)

        assert there.stages_run("keystage", "run", OTHER_SETTING) == ALWAYS
        assert there.digests() == made.other

        assert store.lose
        model = made.first["artifacts/model.pkl"]
        store.lose(f"files/md5/{model[:2]}/{model[2:]}")
        failed = _elsewhere(here, "third").call("keystage", "pull", ok=False)
        assert "Stage 'dataprep' is in remote 'shared'" in failed.stdout
        assert "error[remote]: stage 'train' has no result" in failed.stdout


def test_results_whose_files_were_lost_or_damaged_in_the_remote_are_made_anew_and_pushed_again(
    made: Made, tmp_path: Path
) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.call("keystage", "push")
        model, leaderboard = (
            Path(store.url, "files", "md5", digest[:2], digest[2:])
            for digest in (made.first["artifacts/model.pkl"], made.first["artifacts/leaderboard.parquet"])
        )
        model.unlink()
        leaderboard.chmod(0o644)
        leaderboard.write_bytes(b"damaged")

        there = _elsewhere(here)
        done = there.call("keystage", "run").stdout
        assert "Remote 'shared' has not all outputs of stage 'train'" in done
        assert "Ran: conf, train\n" in done
        assert "Results new in remote 'shared': 1 (files: 3)" in there.call("keystage", "push").stdout  # and the record
        assert model.is_file()
        assert leaderboard.read_bytes() != b"damaged"


def test_a_result_that_was_damaged_on_this_machine_is_fetched_and_not_made_anew(made: Made, tmp_path: Path) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.call("keystage", "push")
        here.call("keystage", "pull")
        digest = made.first["artifacts/model.pkl"]
        for model in (here.root / "artifacts/model.pkl", here.root / f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"):
            mode = model.stat().st_mode
            model.chmod(0o644)
            model.write_bytes(b"damaged")
            model.chmod(mode)
        here.append("stages/evaluate.py", "# a comment")  # evaluate runs, and finds the damage

        assert here.stages_run("keystage", "run") == ALWAYS | {"evaluate"}
        assert here.digests()["artifacts/model.pkl"] == digest


def test_of_two_results_for_one_key_every_clone_takes_the_one_that_was_shared_first(made: Made, tmp_path: Path) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.call("git", "rm", "--quiet", "dvc.lock")  # it names results, and would decide
        here.commit("no lock")
        here.call("keystage", "push")
        second = _elsewhere(here, "second")
        second.call("keystage", "pull")
        second.call("dvc", "repro", "--force", "--single-item", "train")
        assert "Results new in remote 'shared': 1 (files: 1)" in second.call("keystage", "push").stdout

        third = _elsewhere(here, "third")
        third.call("keystage", "pull")

        assert second.digests() != made.first
        assert third.digests() == made.first


def test_two_machines_may_push_at_once(made: Made, tmp_path: Path) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        there = Machine(tmp_path / "there", here.variables)
        shutil.copytree(here.root, there.root)
        with ThreadPoolExecutor() as both:
            list(both.map(lambda machine: machine.call("keystage", "push"), (here, there)))

        for path in Path(store.url, "files", "md5").rglob("*"):
            content = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() if path.is_file() else ""
            assert content in (path.parent.name + path.name.removesuffix(".dir"), "")
        third = _elsewhere(here)
        third.call("keystage", "pull")
        assert third.digests() == made.first


def test_data_that_dvc_tracks_is_fetched_only_for_the_stage_that_reads_it(made: Made, tmp_path: Path) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.call("git", "rm", "-r", "--quiet", "--cached", "data/titanic")
        here.call("dvc", "add", "data/titanic")
        here.commit("data in DVC")
        here.call("keystage", "push")
        there = _elsewhere(here)
        table = there.root / "data" / "titanic" / "Titanic.csv"

        assert there.stages_run("keystage", "run") == ALWAYS
        assert not table.exists()

        there.append("stages/dataprep.py", "# a comment")
        assert there.stages_run("keystage", "run") == ALWAYS | {"dataprep"}
        assert table.is_file()


def test_a_remote_that_cannot_be_reached_is_asked_only_when_a_stage_would_run_and_stops_none(
    made: Made, tmp_path: Path
) -> None:
    nobody = Store(
        "s3://results",
        {"endpointurl": f"http://127.0.0.1:{servers.free_ports(1)[0]}"},
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"},
    )
    here = _here(made, nobody, tmp_path)
    assert "remote" not in here.call("keystage", "run").stdout

    here.append("stages/evaluate.py", "# a comment")
    done = here.call("keystage", "run")
    assert (
        done.stdout.count("warning: remote 'shared' is left out, stages run here instead: s3://results: Could not") == 1
    )
    assert "Ran: conf, evaluate" in done.stdout

    failed = here.call("keystage", "push", ok=False)
    assert failed.returncode == 1
    assert "error[remote]: not all results are in remote 'shared'\n  why: s3://results: Could not" in failed.stdout


def test_a_plugin_that_is_not_installed_is_named_with_the_command_that_installs_it(made: Made, tmp_path: Path) -> None:
    here = _here(made, Store("s3://results"), tmp_path)
    (tmp_path / "dvc_s3.py").write_text("raise ImportError", encoding="utf-8")
    here.append("stages/evaluate.py", "# a comment")
    words = "s3://results needs the package dvc-s3, which is not installed: make remotes"

    assert f"stages run here instead: {words}" in here.call("keystage", "run", PYTHONPATH=str(tmp_path)).stdout
    failed = here.call("keystage", "push", ok=False, PYTHONPATH=str(tmp_path))
    assert f"error[remote]: not all results are in remote 'shared'\n  why: {words}" in failed.stdout


def test_a_run_pushes_when_asked_to_and_else_says_how(made: Made, tmp_path: Path) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.append("stages/evaluate.py", "# a comment")
        assert "Share what ran: keystage push" in here.call("keystage", "run").stdout

        here.append("stages/evaluate.py", "# another")
        done = here.call("keystage", "run", "--no-pull", "--push").stdout
        assert re.search(r"Results new in remote 'shared': [1-9]", done)
        assert "Looking for results" not in done


def test_results_that_nobody_has_are_not_made_by_a_pull(made: Made, tmp_path: Path) -> None:
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.append("stages/evaluate.py", "# a comment")
        failed = here.call("keystage", "pull", ok=False)

    assert "error[remote]: stage 'evaluate' has no result for the settings in force" in failed.stdout
    assert "Running stage 'evaluate'" not in failed.stdout


@pytest.mark.parametrize("command", [("run", "--push"), ("push",), ("pull",), ("run", "--remote", "other")])
def test_without_a_remote_of_that_name_it_is_said_before_anything_runs(
    project: Project, command: tuple[str, ...]
) -> None:
    failed = project.call("keystage", *command, ok=False)

    assert failed.stdout.startswith("error[remote]: ")
    assert "fix: dvc remote add --default NAME URL" in failed.stdout


def test_an_answer_is_waited_for_only_so_long() -> None:
    from keystage.adapters.dvc_remote import within

    with pytest.raises(TimeoutError, match="no answer within 0 seconds"):
        within(0.01, Event().wait)


def test_the_workflow_of_an_unchanged_pipeline_runs_no_keyed_stage(made: Made, tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "pipeline.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    conditions = {
        None: True,
        "steps.environment.outputs.cache-hit != 'true'": False,  # the environment of these tests is the cached one
        "github.event_name == 'push'": True,
    }
    commands = [step["run"] for step in job["steps"] if "run" in step and conditions[step.get("if")]]
    with servers.folder(tmp_path) as store:
        here = _here(made, store, tmp_path)
        here.call("keystage", "push")
        here.call("dvc", "remote", "remove", "shared")
        here.append("stages/evaluate.py", "# a comment")
        here.commit("a change")

        ran = []
        for name in ("first", "second"):
            there = _elsewhere(here, name)
            (there.root / ".venv").symlink_to(sys.prefix)
            shown = [
                there.call("bash", "-euo", "pipefail", "-c", text, REMOTE_URL=store.url).stdout for text in commands
            ]
            ran.append(set(re.findall(r"Running stage '(\w+)'", "".join(shown))))

    assert ran == [ALWAYS | {"evaluate"}, ALWAYS]
