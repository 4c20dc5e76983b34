"""Declare a table that nobody has declared: conf/dataset/NAME.yaml, from a look at the file."""

import re
from pathlib import Path

from keystage.core.errors import DatasetError, listing
from keystage.data.columns import ColumnType
from keystage.data.look.table import MAX_LISTED, Look, look_at
from keystage.data.spec import Task
from keystage.results.datasets import CONF, declared

# A column of these types is found to be one without a declaration.
_FOUND = (ColumnType.integer, ColumnType.number)


def declare(root: Path, file: Path, label: str, name: str | None, task: Task | None) -> tuple[Path, Look]:
    """Write the declaration of a file. Returns where, relative to the project, and what was seen.

    Args:
        root: the project's folder.
        file: a CSV or Parquet file in it; it is neither moved nor copied.
        label: the column to predict.
        name: of the option; None makes one of the file's.
        task: what is learnt; None goes by the label.

    Raises:
        DatasetError: the name is taken, or the file cannot be declared.
    """
    option = name or _name_of(file)
    _require_free(root, option)
    if not file.is_file():
        there = sorted(item.name for item in file.parent.glob("*")) if file.parent.is_dir() else []
        raise DatasetError(
            f"{file} does not exist", why=f"its folder holds: {listing(there) or 'nothing'}", fix="correct the path"
        )
    where = file.resolve()
    if not where.is_relative_to(root.resolve()):
        raise DatasetError(
            f"{file} is not in the project",
            why="a run reads its data below the project's folder, and nothing is copied here",
            fix=f"mkdir -p data/{option} && cp '{file}' data/{option}/ && "
            f"keystage dataset new 'data/{option}/{file.name}' --label '{label}'",
        )
    look = look_at(where, label, task)
    path = CONF / f"{option}.yaml"
    (root / CONF).mkdir(parents=True, exist_ok=True)
    (root / path).write_text(_text(option, where.relative_to(root.resolve()), label, look), encoding="utf-8")
    return path, look


def _name_of(file: Path) -> str:
    """A name from a file's: lower letters, digits and '_'."""
    stem = file.name.partition(".")[0]
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "table"


def _require_free(root: Path, option: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_][\w-]*", option):
        raise DatasetError(
            f"'{option}' cannot name a dataset",
            why="Hydra takes it as an option",
            fix="use letters, digits, '_' and '-'",
        )
    names = {other: str(told.get("name", other)) for other, told in declared(root).items()}
    taken = next((other for other, name in names.items() if option in {other, name}), None)
    if taken:
        raise DatasetError(
            f"there is a dataset '{option}' already",
            why=f"{CONF}/{taken}.yaml declares it, and no file is overwritten",
            fix=f"give another name: --name {option}_2, or remove that file",
        )


def _text(option: str, file: Path, label: str, look: Look) -> str:
    """The declaration, with what was seen as comments."""
    lines = [
        f"# {file.as_posix()}, {look.rows:,} rows. Written by keystage dataset new; yours to edit. Seen in the file:"
    ]
    lines += [f"#   {reason}" for reason in look.why]
    folder = file.parent.as_posix()
    lines += [f"name: {_quoted(option)}", f"path: {_quoted(folder)}", f"files: [{_quoted(file.name)}]"]
    lines += [f"label: {_quoted(label)}", f"task: {look.task.value}"]
    if look.read:
        lines += ["read:", *(f"  {key}: {_value(value)}" for key, value in look.read.items())]
    if look.missing != [""]:
        lines.append(f"missing: [{', '.join(map(_quoted, look.missing))}]")
    listed = look.columns if len(look.columns) <= MAX_LISTED else {
        name: kind for name, kind in look.columns.items() if kind not in _FOUND or name == label
    }  # fmt: skip
    lines += ["columns:", *(f"  - {{name: {_quoted(name)}, type: {kind.value}}}" for name, kind in listed.items())]
    if look.drop:
        lines += ["drop:", *(f"  - {_quoted(name)}  # {reason}" for name, reason in look.drop.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(key))}: {_quoted(str(item))}" for key, item in value.items()) + "}"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    """As YAML, in quotes where it would be something else without."""
    import yaml

    plain = re.fullmatch(r"[A-Za-z_][\w./-]*", text) and yaml.safe_load(text) == text
    if plain:
        return text
    shown: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=2**31)
    return shown.strip()
