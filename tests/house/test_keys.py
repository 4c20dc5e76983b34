"""The keys in dvc.yaml are held to the code: complete, and without ballast."""

import ast
from pathlib import Path

import grimp
import pytest
import yaml

import keystage
from keystage.core.params import flatten, key_parameters
from keystage.pipeline import conf, dataprep, evaluate, register, report, train

ROOT = Path(__file__).parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
KEYED = ("dataprep", "train", "evaluate", "report")
PARAMS = {
    "conf": conf.ConfParams,
    "dataprep": dataprep.DataprepParams,
    "train": train.TrainParams,
    "evaluate": evaluate.EvaluateParams,
    "report": report.ReportParams,
    "register": register.RegisterParams,
}

# Code that a stage runs and that is in no key, each with the reason why it cannot change a result.
OUTSIDE_KEYS = {
    "keystage": "a docstring",
    "keystage.pipeline": "a docstring",
    "keystage.adapters": "a docstring",
    "keystage.pipeline.run": "checks parameters and words errors; the result is made by what it calls",
    "keystage.pipeline.inputs": "may stop a stage, never change its result",
    "keystage.pipeline.conf": "notes what is in the keys by content",
    "keystage.pipeline.progress": "prints",
    "keystage.config": "may stop a stage, never change its result",
    "keystage.compute": "how many threads, not what they compute",
    "keystage.tracking": "reached through the schema in keystage.config only",
    "keystage.registry": "reached through the schema in keystage.config only",
    "keystage.reuse": "notes what is in the keys by content",
    "hydra_plugins": "composes params.yaml, whose values are in the keys",
}
# Rooms whose specs the schema imports, so that each stage reaches them without using them.
REACHED_BY_SCHEMA_ONLY = "keystage.config"


def _is_outside(module: str) -> bool:
    return module in OUTSIDE_KEYS or any(
        module.startswith(f"{name}.")
        for name in OUTSIDE_KEYS
        if name not in {"keystage", "keystage.pipeline"} and name != "keystage.adapters"
    )


def _reached(stage: str) -> set[str]:
    """Modules a stage can run: everything it imports, directly or not, short of what goes through an exempt module."""
    graph = grimp.build_graph("keystage", "project", "hydra_plugins", include_external_packages=False)
    todo, seen = [f"keystage.pipeline.{stage}"], set()
    while todo:
        module = todo.pop()
        if module in seen or _is_outside(module):
            continue
        seen.add(module)
        todo += graph.find_modules_directly_imported_by(module)
        # Importing a module runs the packages it stands in.
        todo += [module.rpartition(".")[0]] if "." in module else []
    return seen | {name for module in seen for name in _templates(module)}


def _templates(package: str) -> list[str]:
    """The files beside a package's modules that it fills in, each by its path below src/."""
    folder = ROOT / "src" / Path(*package.split(".")) / "templates"
    return [path.relative_to(ROOT / "src").as_posix() for path in sorted(folder.glob("*"))]


def _file(module: str) -> str:
    if "/" in module:
        return f"src/{module}"
    path = Path("src", *module.split("."))
    return str(path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py"))


@pytest.mark.parametrize("stage", KEYED)
def test_a_key_names_exactly_the_code_that_the_stage_can_reach(stage: str) -> None:
    listed = {name for name in STAGES[stage]["deps"] if name.startswith("src/")}
    reached = {_file(module) for module in _reached(stage)}

    assert listed == {name for name in reached if not name.endswith("/__init__.py")}


@pytest.mark.parametrize("package", sorted((ROOT / "src" / "keystage").glob("*/**/__init__.py")), ids=str)
def test_a_package_itself_holds_no_code_so_no_key_needs_it(package: Path) -> None:
    (docstring,) = ast.parse(package.read_text(encoding="utf-8")).body

    assert isinstance(docstring, ast.Expr)


def test_keystage_itself_holds_nothing_but_what_brings_its_public_names_when_they_are_asked_for() -> None:
    top = ROOT / "src" / "keystage" / "__init__.py"
    docstring, rooms, public, bring = ast.parse(top.read_text(encoding="utf-8")).body

    assert isinstance(docstring, ast.Expr)
    assert [ast.unparse(item.targets[0]) for item in (rooms, public) if isinstance(item, ast.Assign)] == [
        "_ROOMS",
        "__all__",
    ]
    assert isinstance(bring, ast.FunctionDef)
    assert bring.name == "__getattr__"
    typed = ast.parse(top.with_suffix(".pyi").read_text(encoding="utf-8")).body
    assert {alias.name for item in typed if isinstance(item, ast.ImportFrom) for alias in item.names} == set(
        keystage.__all__
    )
    assert all(getattr(keystage, name) for name in keystage.__all__)


@pytest.mark.parametrize("stage", KEYED)
def test_a_key_names_what_the_settings_name(stage: str) -> None:
    notes = {name for name in STAGES[stage]["deps"] if name.startswith("artifacts/key/")}
    own = {
        "dataprep": {"artifacts/key/dataset.json", "artifacts/key/own_transforms.json", "artifacts/key/options.json"},
        "train": {"artifacts/key/own_metric.json", "artifacts/key/own_estimators.json", "artifacts/key/extras.json"},
        "evaluate": {
            "artifacts/key/own_transforms.json",
            "artifacts/key/own_metric.json",
            "artifacts/key/own_estimators.json",
        },
        "report": {"artifacts/key/dataset.json", "artifacts/key/options.json"},
    }

    assert notes == {"artifacts/key/environment.json", f"artifacts/key/reuse_{stage}.txt"} | own[stage]


@pytest.mark.parametrize("stage", KEYED)
def test_a_key_names_its_script(stage: str) -> None:
    assert f"stages/{stage}.py" in STAGES[stage]["deps"]


@pytest.mark.parametrize("stage", PARAMS)
def test_a_key_names_exactly_the_parameters_that_can_change_the_result(stage: str) -> None:
    declared = key_parameters(PARAMS[stage])
    listed = STAGES[stage].get("params", [])
    expanded = [name for name in declared if any(name == item or name.startswith(f"{item}.") for item in listed)]

    assert expanded == declared
    assert all(any(name == item or name.startswith(f"{item}.") for name in declared) for item in listed)


@pytest.mark.parametrize("stage", KEYED)
def test_a_whole_section_is_listed_only_when_all_of_it_is_in_the_key(stage: str) -> None:
    sections = [item for item in STAGES[stage].get("params", []) if "." not in item]
    params = flatten(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")))
    declared = key_parameters(PARAMS[stage])
    for section in sections:
        leaves = [name for name in params if name == section or name.startswith(f"{section}.")]

        assert section in declared or set(leaves) <= set(declared)


@pytest.mark.parametrize("script", sorted((ROOT / "stages").glob("*.py")), ids=lambda path: path.name)
def test_a_stage_script_is_thin(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    branches = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.If | ast.For | ast.FunctionDef)]

    assert len(text.splitlines()) <= 20
    assert [ast.unparse(node.test) for node in branches if isinstance(node, ast.If)] == ["__name__ == '__main__'"]
    assert len(branches) == 1


def test_no_key_holds_compiled_files() -> None:
    ignored = (ROOT / ".dvcignore").read_text(encoding="utf-8").splitlines()

    assert {"__pycache__/", "*.pyc"} <= set(ignored)


@pytest.mark.parametrize("stage", KEYED)
def test_every_output_of_a_keyed_stage_can_be_served_from_the_run_cache(stage: str) -> None:
    """DVC 3.67 keeps no run of a stage with an uncached output that is no metric (dvc/stage/__init__.py, Stage.run)."""
    settings = [out for out in STAGES[stage]["outs"] if isinstance(out, dict)]

    assert not settings
