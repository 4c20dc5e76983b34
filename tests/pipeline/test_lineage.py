"""Registered versions tell where they come from, and can be rebuilt and proved when all else has moved on."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.conftest import ROOT, Project

from keystage.adapters.pip_environment import built
from keystage.core.errors import EnvironmentMismatchError

pytestmark = pytest.mark.slow

MODEL = "TitanicSurvivalInitial"
CLEAN, DIRTY, EXPERIMENT = "1", "2", "3"  # versions, by the state they were registered from


@pytest.fixture(scope="module")
def moved_on(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three versions; then 20 commits that change settings, code and data, no branch with the states, and no cache."""
    project = Project(tmp_path_factory.mktemp("moved on") / "project")
    shutil.copytree(finished.root, project.root)
    for name in ("mlflow.db", "mlflow.db.lock"):
        (project.root / name).unlink()
    project.call("dvc", "repro")
    project.append("src/project/transforms.py", "# a change that no commit of the user's holds\n")
    project.call("keystage", "run", "automl.max_trials=4", "automl.ensemble_size=3")
    project.call("dvc", "exp", "run", "--temp", "--name", "apart", "-S", "seed=3")

    project.edit("conf/prep/titanic.yaml", "test_size: 0.2", "test_size: 0.3")
    project.append("src/keystage/search/folds.py", "# a later thought\n")
    data = project.root / "data" / "titanic" / "Titanic.csv"
    data.write_text("".join(data.read_text(encoding="utf-8").splitlines(keepends=True)[:-50]), encoding="utf-8")
    project.call("keystage", "compose", "seed=8")
    for number in range(20):
        project.append("README.md", f"{number}\n")
        project.commit(f"moved on {number}")
    shutil.rmtree(project.root / ".dvc" / "cache")
    project.call("dvc", "exp", "remove", "--all-commits")
    project.call("git", "reflog", "expire", "--expire=now", "--all")
    project.call("git", "gc", "--quiet", "--prune=now")
    return project


def _told(project: Project, version: str) -> dict[str, object]:
    shown = project.call("keystage", "lineage", f"{MODEL}@{version}", "--json").stdout
    told: dict[str, object] = json.loads(shown[shown.index("{") :])
    return told


def _is_byte_equal(version: str, shown: str) -> bool:
    words = rf"^{MODEL}@{version} is byte-equal: [1-9]\d* outputs, and equal predictions on 262 test rows$"
    return re.search(words, shown, flags=re.MULTILINE) is not None


def _file(project: Project, version: str) -> Path:
    """The model's own file in which its lineage stands."""
    line = f"    commit: {_told(project, version)['commit']}\n"
    (found,) = (path for path in project.root.glob("mlartifacts/**/MLmodel") if line in path.read_text("utf-8"))
    return found


def test_a_rebuild_stays_for_those_who_want_to_look_and_is_used_again(moved_on: Project) -> None:
    made = moved_on.call("keystage", "rebuild", f"{MODEL}@{CLEAN}").stdout
    held = moved_on.call("keystage", "verify", f"{MODEL}@{CLEAN}", "--keep").stdout

    place = Path(re.search(r"Rebuilt \S+ in (.*)", made)[1])  # type: ignore[index]
    assert "Running stage 'train'" in made
    assert "Running stage" not in held
    assert _is_byte_equal(CLEAN, held)
    assert (place / "artifacts" / "model.pkl").is_file()
    assert (place / "conf" / "prep" / "titanic.yaml").read_text(encoding="utf-8").count("test_size: 0.2\n")


@pytest.mark.parametrize("version", [DIRTY, EXPERIMENT])
def test_a_version_is_rebuilt_byte_for_byte_after_all_has_moved_on(moved_on: Project, version: str) -> None:
    before = moved_on.call("git", "status", "--porcelain").stdout

    done = moved_on.call("keystage", "verify", f"{MODEL}@{version}")

    assert _is_byte_equal(version, done.stdout), done.stdout
    assert "Running stage 'train'" in done.stdout
    place = re.search(r"Checking out commit \w+ into (.*)", done.stdout)
    assert place
    assert place[1] not in moved_on.call("git", "worktree", "list").stdout
    assert not Path(place[1]).exists()
    assert moved_on.call("git", "status", "--porcelain").stdout == before
    assert not (moved_on.root / ".dvc" / "cache" / "runs").exists()


def test_a_version_tells_its_data_settings_packages_and_stages_and_who_reused_what(moved_on: Project) -> None:
    told = _told(moved_on, DIRTY)
    stages = {stage["name"]: stage for stage in told["stages"]}  # type: ignore[attr-defined]

    assert told["parameters"]["overrides"] == ["automl.max_trials=4", "automl.ensemble_size=3"]  # type: ignore[index]
    assert set(told["files"]) == {"Titanic.csv", "Titanic2.csv"}  # type: ignore[call-overload]
    assert told["environment"]["lock"] == "requirements/runtime.txt"  # type: ignore[index]
    assert told["search"]["trials"] == 4  # type: ignore[index]
    assert told["base"] == moved_on.call("git", "rev-parse", "HEAD~20").stdout.strip()
    assert stages["dataprep"]["reused"]
    assert stages["dataprep"]["same_in"] == [CLEAN]
    assert not stages["train"]["reused"]
    assert stages["train"]["record"]["cores"] >= 1
    assert (
        stages["train"]["deps"]["artifacts/prepared/train.parquet"]
        == (stages["dataprep"]["outs"]["artifacts/prepared/train.parquet"])
    )
    assert set(stages["train"]["outs"]) >= {"artifacts/model.pkl", "artifacts/leaderboard.parquet"}


def test_a_tree_and_a_picture_show_it(moved_on: Project, tmp_path: Path) -> None:
    tree = moved_on.call("keystage", "lineage", f"{MODEL}@latest", COLUMNS="200").stdout
    moved_on.call("keystage", "lineage", f"{MODEL}@{DIRTY}", "--picture", str(tmp_path / "shown.svg"))
    drawn = ElementTree.parse(tmp_path / "shown.svg").getroot()  # noqa: S314 - our own
    texts = ["".join(item.itertext()) for item in drawn.iter("{http://www.w3.org/2000/svg}text")]

    assert f"{MODEL}@{EXPERIMENT}" in tree
    assert "in experiment apart" in tree
    assert re.search(r"artifacts/model.pkl: MD5 [0-9a-f]{12}\n", tree)
    assert texts.count("ran") == 3, "train, evaluate, report"
    assert "reused" in texts
    assert "Titanic.csv, 62.2 kB" in texts


def test_a_version_that_tells_of_another_state_parts_from_its_rebuild(moved_on: Project) -> None:
    file = _file(moved_on, DIRTY)
    original = file.read_text(encoding="utf-8")
    clean, dirty = (str(_told(moved_on, version)["commit"]) for version in (CLEAN, DIRTY))
    try:
        file.write_text(original.replace(dirty, clean), encoding="utf-8")
        done = moved_on.call("keystage", "verify", f"{MODEL}@{DIRTY}", ok=False)  # the rebuild above will do
    finally:
        file.write_text(original, encoding="utf-8")

    assert done.returncode == 3
    assert f"{MODEL}@{DIRTY} and its rebuild part" in done.stdout
    found = re.search(r"they part at\n    (\w+): (\S+),", done.stdout)
    assert found
    assert found.groups() == ("train", "artifacts/leaderboard.parquet")
    assert re.search(r"the first trial that differs is 4, score 0\.\d+ registered, none rebuilt", done.stdout)
    assert re.search(r"\d+ of 262 test rows differ, by 0\.\d+ at most", done.stdout)
    assert "tag keystage.git_commit says something else than the model" in done.stdout
    assert len(moved_on.call("git", "worktree", "list").stdout.splitlines()) == 1


def test_what_is_not_there_is_named_with_what_is(moved_on: Project) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from keystage.adapters.mlflow_versions import find\n"
        "from keystage.core.errors import KeystageError\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        print(find(name, 'sqlite:///mlflow.db', Path.cwd()))\n"
        "    except KeystageError as error:\n"
        "        print(error)\n"
    )

    said = moved_on.call("python", "-c", program, "TitanicSurvival@1", f"{MODEL}@7", MODEL, f"{MODEL}@latest").stdout

    assert (
        f"there is no model 'TitanicSurvival'\n  why: registered are: {MODEL}\n  fix: did you mean '{MODEL}'?" in said
    )
    assert f"model {MODEL} has no version '7'\n  why: it has 1, 2, 3, and the aliases " in said
    assert f"'{MODEL}' names no version" in said
    assert f"fix: write {MODEL}@latest" in said
    assert said.endswith(f"{MODEL}@3\n")


def test_a_model_of_another_tool_says_that_it_tells_nothing(moved_on: Project) -> None:
    file = _file(moved_on, CLEAN)
    original = file.read_text(encoding="utf-8")
    try:
        file.write_text(original.replace("\nmetadata:\n  keystage:", "\nmetadata:\n  other:"), encoding="utf-8")
        done = moved_on.call("keystage", "rebuild", f"{MODEL}@{CLEAN}", ok=False)
    finally:
        file.write_text(original, encoding="utf-8")

    assert done.returncode == 1
    assert f"error[lineage]: {MODEL}@{CLEAN} does not tell where it comes from" in done.stdout


def test_states_are_shared_like_branches(moved_on: Project, tmp_path: Path) -> None:
    told = str(_told(moved_on, EXPERIMENT)["commit"])
    moved_on.call("git", "clone", "--quiet", "--no-local", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    shutil.copy2(moved_on.root / "mlflow.db", clone.root / "mlflow.db")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "note").touch()

    failed = clone.call("keystage", "rebuild", f"{MODEL}@{EXPERIMENT}", ok=False)
    clone.call("git", "fetch", "--quiet", "origin", "refs/keystage/*:refs/keystage/*")
    refused = clone.call("keystage", "rebuild", f"{MODEL}@{EXPERIMENT}", "--into", str(taken), ok=False)

    assert failed.returncode == 1
    assert f"error[lineage]: the state of {MODEL}@{EXPERIMENT} is not in this repository" in failed.stdout
    assert "fix: git fetch origin 'refs/keystage/*:refs/keystage/*'" in failed.stdout
    assert clone.call("git", "cat-file", "-t", told).stdout == "commit\n"
    assert refused.returncode == 1
    assert f"error[project]: {taken} is not empty" in refused.stdout
    assert (taken / "note").exists()


def test_new_files_too_large_for_git_stop_a_run_before_its_search(new_project: Project) -> None:
    with (new_project.root / "conf" / "notes.bin").open("wb") as file:
        file.truncate(101_000_000)

    done = new_project.call("keystage", "run", ok=False)

    assert "101.0 MB of new files are too much for git; the largest is conf/notes.bin" in done.stdout
    assert "Running stage 'dataprep'" not in done.stdout


def test_an_environment_of_another_lock_is_made_once_with_its_hashes(tmp_path: Path) -> None:
    lock = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    entry = re.search(r"^idna==.*?(?=^\w)", lock, flags=re.MULTILINE | re.DOTALL)
    assert entry
    (tmp_path / "lock.txt").write_text(entry[0], encoding="utf-8")
    (tmp_path / "wrong.txt").write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", entry[0]), encoding="utf-8")
    steps: list[str] = []

    python = built(tmp_path / "made", tmp_path / "lock.txt", {}, steps.append)
    listed = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    again = built(tmp_path / "made", tmp_path / "lock.txt", {}, steps.append)

    assert python != Path(sys.executable)
    assert entry[0].startswith(listed.strip())
    assert again == python
    assert steps.count("Installing collected packages") == 1
    with pytest.raises(EnvironmentMismatchError, match="cannot be installed"):
        built(tmp_path / "made", tmp_path / "wrong.txt", {}, steps.append)
