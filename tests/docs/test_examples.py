"""Every command and snippet of the README and of docs/ runs, in the order of the page."""

import re
from pathlib import Path

import pytest
import yaml
from tests.conftest import ROOT, Project

from keystage.adapters.dvc_repro import PipelineFailedError
from keystage.core import errors
from keystage.registry.lineage import LineageError
from keystage.serving.errors import ServingError

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_NAMED_FILE = re.compile(r"# (conf/\S+)\n")
# Set-up on a fresh machine: CI is that very run, on a clean clone.
_SET_UP = "git clone"


def _snippets(page: str) -> list[tuple[str, str]]:
    return _FENCE.findall((ROOT / page).read_text(encoding="utf-8"))


def _run(project: Project, page: str) -> str:
    """Run a page's snippets: shell and Python as they are, YAML into the file its first line names."""
    shown = []
    for language, text in _snippets(page):
        if language == "yaml":
            named = _NAMED_FILE.match(text)
            assert named, f"a YAML snippet of {page} does not name its file: {text}"
            (project.root / named[1]).write_text(text, encoding="utf-8")
        elif language == "python":
            shown.append(project.call("python", "-c", text).stdout)
        elif language == "bash" and _SET_UP not in text:
            shown.append(project.call("bash", "-euo", "pipefail", "-c", text).stdout)
    return "\n".join(shown)


@pytest.fixture
def project(registered: Project) -> Project:
    """As after the README's first run."""
    return registered


@pytest.fixture
def wine(project: Project) -> Project:
    """With the table that docs/your-own-table.md speaks of: scikit-learn's wines, of three kinds."""
    from sklearn.datasets import load_wine

    loaded = load_wine(as_frame=True)
    table = loaded.data.assign(kind=loaded.target.map(lambda code: loaded.target_names[code]))
    (project.root / "data" / "wine").mkdir()
    table.to_csv(project.root / "data" / "wine" / "wine.csv", index=False)
    return project


def test_the_readme(project: Project) -> None:
    project.call("dvc", "repro")
    try:
        shown = _run(project, "README.md")
    finally:
        project.call("dvc", "queue", "stop", "--kill")  # workers outlive the command that started them

    assert "hyperparameters" in shown
    assert "test.roc_auc" in shown
    assert "Queued experiment" in shown
    assert "version 1 of model Passengers" in shown
    assert re.search(r"^1 +[01] +0\.\d+ +0\.\d+$", shown, flags=re.MULTILINE), "the model has scored two raw rows"


@pytest.mark.slow
def test_the_page_on_your_own_table(wine: Project) -> None:
    shown = _run(wine, "docs/your-own-table.md")

    assert "of model Wine" in shown
    assert re.search(r"On 45 test rows: r2 0\.\d+", shown)
    assert "version 1 of model Alcohol" in shown
    assert "of model TitanicSurvivalInitial" in shown


@pytest.mark.slow
def test_the_page_on_recipes(project: Project) -> None:
    shown = _run(project, "docs/recipes.md")

    told = next(text for language, text in _snippets("docs/recipes.md") if language == "text")
    assert all(line in shown for line in told.splitlines())
    assert "version 1 of model TitanicAuto" in shown
    assert "Ticket (identifier, by option purposes)" in shown
    assert "auto: as it is" in shown.rpartition("Fitting the recipe")[2]


@pytest.mark.slow
def test_the_page_on_reuse(project: Project) -> None:
    shown = _run(project, "docs/reuse.md")

    assert "automl.ensemble_size: 2 -> 1" in shown
    assert "Ran: conf, dataprep, train, evaluate, report, register" in shown


@pytest.mark.slow
def test_the_page_on_lineage(project: Project, tmp_path: Path) -> None:
    project.call("git", "init", "--quiet", "--bare", str(tmp_path / "origin"))
    project.call("git", "remote", "add", "origin", str(tmp_path / "origin"))

    shown = _run(project, "docs/lineage.md")

    assert "TitanicSurvivalInitial@1 is byte-equal" in shown
    assert '"verdict": "byte-equal"' in shown
    assert "refs/keystage/versions/TitanicSurvivalInitial/1" in project.call("git", "ls-remote", "origin").stdout
    assert (project.root / "lineage.svg").is_file()


@pytest.mark.slow
def test_the_page_on_the_registry(project: Project) -> None:
    shown = _run(project, "docs/registry.md")

    assert re.search(r"roc_auc 0\.\d+ \[0\.\d+, 0\.\d+\] is not at least 0\.99", shown)
    assert "@2 is champion now; it was TitanicSurvivalInitial@1" in shown
    assert "@1 is champion now; it was TitanicSurvivalInitial@2" in shown
    assert "probability_1" in shown


@pytest.mark.slow
def test_the_page_on_versions_of_datasets(project: Project) -> None:
    shown = _run(project, "docs/dataset-versions.md")

    assert re.search(r"Registered titanic@[0-9a-f]{8}: 1,309 rows in 2 files", shown)
    assert "TitanicSurvivalInitial@1" in shown, "what used the version"
    assert re.search(r"REUSE +train|train +REUSE", shown)
    assert "Embarked" in shown
    assert "thousands: ." in shown.replace('"', "")
    assert (project.root / "drift.html").is_file()
    assert (project.root / "data/as_it_came/Titanic2.csv").is_file()


@pytest.mark.slow
def test_the_page_on_results(project: Project) -> None:
    shown = _run(project, "docs/results.md")

    assert "evaluate reused" in shown
    assert "on 262 rows" in shown
    assert "did you mean 'max_trials'?" in shown
    assert (project.root / "results" / "metrics.json").is_file()
    assert (project.root / "results" / "fewer" / "plots").is_dir()
    assert (project.root / "results" / "run" / "predictions.parquet").is_file()


@pytest.mark.slow
def test_the_page_on_search(project: Project) -> None:
    assert "fold_scores" in _run(project, "docs/search.md")


@pytest.mark.slow
def test_the_page_on_datasets(project: Project) -> None:
    shown = _run(project, "docs/datasets.md")

    assert re.search(r"Left out: \d+ of 1309 rows, by dataset\.rows\.where: Pclass < 3 and Age\.notna\(\)", shown)
    assert "Reading diabetes: bundled:diabetes" in shown


@pytest.mark.slow
def test_the_page_on_large_tables(project: Project) -> None:
    shown = _run(project, "docs/large-tables.md")

    assert "Read 1,309 rows; a sample of 1,000 of them goes on" in shown
    assert "{'rows': 1000, 'of': 1309, 'train_on': 'sample', 'is_all': False}" in shown
    assert "a sample of 1,000 of 1,309 rows" in (project.root / "reports/report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_on_data_checks(project: Project) -> None:
    shown = _run(project, "docs/data-checks.md")

    assert (
        "Guardrail schema fixed (Age, Fare, Ticket): Age: 12 cells that are below 1 (left as they are), Fare: 1"
        in shown
    )
    assert "; skipped: near_constant" in shown
    assert "Guardrail missing_values failed (Age, Fare, Embarked)" in shown
    assert shown.count("'failed'") == 1


@pytest.mark.slow
def test_the_page_on_validation(project: Project) -> None:
    shown = _run(project, "docs/validation.md")

    assert "validation: 2 folds that part none of" in shown
    assert "validation: 418 rows of dataset.validation_files" in shown
    assert "validation: 3 folds, drawn 2 times" in shown
    assert "validation: 25% of the rows held out, drawn 3 times" in shown


@pytest.mark.slow
def test_the_page_on_evaluation(project: Project) -> None:
    shown = _run(project, "docs/evaluation.md")

    assert re.search(r"roc_auc 0\.\d{3}, 0\.\d{3} to 0\.\d{3}; baseline 0\.500", shown)
    assert "Sex {'group': 'male', 'rows': " in shown
    assert "Ran: conf, evaluate, report, register" in shown
    assert "segment Cabin: no roc_auc of " in shown


@pytest.mark.slow
def test_the_page_on_forecasting(project: Project) -> None:
    shown = _run(project, "docs/forecasting.md")

    assert "Registered version 1 of model CO2" in shown
    assert re.search(r"\[37\d\.\d", shown), "the registered model has forecast a year that no file has"
    assert "The seasonal naive forecast of the same rows: r2" in shown
    assert "Registered version 1 of model Air" in shown


@pytest.mark.slow
def test_the_page_on_the_report(project: Project) -> None:
    shown = _run(project, "docs/report.md")

    assert "reports/model_card.md" in shown
    assert "Ran: conf, report, register" in shown
    assert "OpenML 40945" in (project.root / "reports" / "model_card.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_on_scoring_files(project: Project) -> None:
    project.call("dvc", "repro")
    shown = _run(project, "docs/predict.md")

    assert "scored.csv: 891 rows predicted by TitanicSurvivalInitial@1" in shown
    assert "Stage 'score' didn't change, skipping" in shown
    text = next(text for language, text in _snippets("docs/predict.md") if language == "text")
    written = yaml.safe_load((project.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert yaml.safe_load(text) == {"score": written["score"]}


@pytest.mark.slow
def test_the_page_on_serving(project: Project) -> None:
    project.call("dvc", "repro")
    shown = _run(project, "docs/serve.md")

    assert '"probability_1":' in shown
    assert "column 'Age' holds 'old', which is no number" in shown
    assert '"model":"TitanicSurvivalInitial@1"' in shown
    assert "Written: image" in shown


@pytest.mark.slow
def test_the_page_on_sharing(project: Project) -> None:
    shown = _run(project, "docs/sharing.md")

    assert re.search(r"Results new in remote 'shared': [1-9]", shown)
    assert "Reused, nothing changed: dataprep, train, evaluate, report" in shown


@pytest.mark.slow
def test_the_page_on_the_search_benchmark(new_project: Project) -> None:
    shown = _run(new_project, "docs/search-benchmark.md")

    assert "wine, seed 1: multiclass, 142 + 36 rows, 13 features, 8 s, 2 cores" in shown
    assert "contests of all 2 contenders: 1" in shown
    assert "failed:" not in shown


@pytest.mark.slow
def test_the_page_on_care(project: Project) -> None:
    shown = _run(project, "docs/care.md")

    assert "all whole" in shown
    assert "Removed 0 objects" in shown


def test_the_set_up_commands_are_targets_of_the_makefile(fresh: Project) -> None:
    text = next(text for language, text in _snippets("README.md") if _SET_UP in text)
    targets = re.findall(r"^make (\w+)", text, flags=re.MULTILINE)

    assert targets == ["run", "test"]
    for target in targets:
        assert "requirements/runtime.txt" in fresh.call("make", "--dry-run", target).stdout


def test_every_error_code_stands_in_the_docs() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", page, flags=re.MULTILINE))

    def below(kind: type[errors.KeystageError]) -> set[str]:
        return {kind.code}.union(*(below(child) for child in kind.__subclasses__()))

    assert {PipelineFailedError.code, LineageError.code, ServingError.code} <= documented
    assert documented == below(errors.KeystageError) - {errors.KeystageError.code}


@pytest.mark.parametrize("page", ["README.md", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))

    missing = [name for name in targets if not ((ROOT / page).parent / Path(name)).exists()]
    assert not missing
