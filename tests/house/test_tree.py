"""The rules of the house that no linter knows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keystage.core import errors
from keystage.registry.package import copy_code

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "keystage").rglob("*.py"))
MAX_LINES = 250


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_fits_on_a_few_screens_and_says_what_it_decides(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith('"""')
    assert len(text.splitlines()) <= MAX_LINES
    assert path.stem not in {"utils", "helpers", "common", "manager", "base"}


def test_every_error_has_a_code_of_its_own() -> None:
    def below(kind: type[errors.KeystageError]) -> list[type[errors.KeystageError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    codes = [kind.code for kind in below(errors.KeystageError)]

    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_the_lock_files_have_hashes_and_no_addresses() -> None:
    for path in (*ROOT.glob("requirements/*.txt"), ROOT / "benchmarks" / "autogluon.txt"):
        text = path.read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,]+\])?==", text, flags=re.MULTILINE)

        assert pins
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text
        assert "--index" not in text

    packages = json.loads((ROOT / "tests" / "azurite" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    pinned = [package for path, package in packages.items() if path]
    assert pinned
    assert all("integrity" in package and "resolved" not in package for package in pinned)


def test_importing_the_package_and_its_command_line_imports_nothing_heavy() -> None:
    heavy = ("pandas", "numpy", "sklearn", "flaml", "mlflow", "dvc", "hydra")
    program = f"import sys, keystage.cli.main; print([name for name in {heavy!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_what_a_recipe_is_made_of_is_loaded_from_the_code_that_travels_with_a_model(tmp_path: Path) -> None:
    source = ROOT / "src"
    classes = re.compile(r"^class \w+\(.*BaseEstimator", flags=re.MULTILINE)
    found = [path for path in SOURCES if classes.search(path.read_text(encoding="utf-8"))]
    modules = [".".join(path.relative_to(source).with_suffix("").parts) for path in found if path.parent.name == "prep"]
    code = copy_code(source, tmp_path / "code", [])
    program = f"import sys; sys.path.insert(0, {str(code)!r}); import {', '.join(modules)}; print(keystage.__file__)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "keystage.prep.dates" in modules
    assert done.stdout.strip() == str(code / "keystage/__init__.py"), done.stderr
