"""Declare a table that nobody has declared: conf/dataset/NAME.yaml, from a look at its files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keystage.core.errors import DatasetError, counted, in_one_line, listing
from keystage.core.progress import Say
from keystage.data.columns import ColumnType
from keystage.data.forecast import ForecastSpec
from keystage.data.look.table import MAX_LISTED, Look, look_at
from keystage.data.sources.resolve import Source, folder_of, is_pattern, resolve
from keystage.data.sources.spec import ENDINGS, ending_of
from keystage.data.spec import Task
from keystage.data.undeclared import undeclared
from keystage.results.datasets import CONF, declared

# A column of these types is found to be one without a declaration.
_FOUND = (ColumnType.integer, ColumnType.number)


@dataclass(frozen=True)
class Wish:
    """What a look cannot tell.

    Attributes:
        label: the column to predict.
        name: of the option of conf/dataset; None makes one of the file's.
        task: what is learnt; None goes by the label.
        time: of a forecast, the column of times.
        forecast: of a forecast, its horizon and the columns that name a series.
        has_header: whether the first line names the columns; None finds out.
    """

    label: str
    name: str | None = None
    task: Task | None = None
    time: str | None = None
    forecast: ForecastSpec | None = None
    has_header: bool | None = None

    def __post_init__(self) -> None:
        """Refuse half a forecast."""
        given = {"--task forecasting": self.task is Task.forecasting, "--time": self.time is not None}
        given["--horizon"] = self.forecast is not None
        absent = [option for option, there in given.items() if not there]
        if absent and len(absent) < len(given):
            raise DatasetError(
                f"a forecast needs {' and '.join(absent)} too",
                why="it says what is forecast by a column of times, so many periods ahead",
                fix="--task forecasting --time COLUMN --horizon PERIODS, and --series A,B where there are several",
            )

    @property
    def roles(self) -> list[str]:
        """Columns that are no features."""
        return [self.time, *self.forecast.series] if self.time and self.forecast else []


def declare(root: Path, place: Path, wish: Wish, say: Say = str) -> tuple[Path, Look]:
    """Write the declaration of a table. Returns where, relative to the project, and what was seen.

    Args:
        root: the project's folder.
        place: a file in it, a folder or a pattern; nothing is moved or copied.
        wish: what a look cannot tell.
        say: told what is being done.

    Raises:
        DatasetError: the name is taken, or the files cannot be declared.
    """
    option = wish.name or _name_of(place)
    _require_free(root, option)
    folder, entry = _entry(place)
    where = folder.resolve()
    if not where.is_relative_to(root.resolve()):
        raise DatasetError(
            f"{place} is not in the project",
            why="a run reads its data below the project's folder, and nothing is copied here",
            fix=f"mkdir -p data/{option} && cp '{place}' data/{option}/ && "
            f"keystage dataset new 'data/{option}/{place.name}' --label '{wish.label}'",
        )
    inside = where.relative_to(root.resolve()).as_posix()
    sources = resolve(undeclared([entry], inside), root)
    if not sources[0].path.is_file():
        there = sorted(item.name for item in folder.glob("*")) if folder.is_dir() else []
        raise DatasetError(
            f"{place} does not exist", why=f"its folder holds: {listing(there) or 'nothing'}", fix="correct the path"
        )
    look = look_at(sources, wish.label, wish.task, wish.roles, time=wish.time, has_header=wish.has_header, say=say)
    if wish.time is not None and look.columns[wish.time] is not ColumnType.datetime:
        raise DatasetError(
            f"'{wish.time}' is no column of times",
            why=f"its cells are of type {look.columns[wish.time].value}",
            fix="write times in ISO 8601, like 2024-03-31 (of quarters the first day), or name another column: --time",
        )
    if look.apart is not None:
        raise DatasetError(
            f"times of '{wish.time}' come more than once",
            why="of a series there is one row for each time",
            fix=f"name the columns that tell series apart: --series {look.apart or 'A,B'}",
        )
    if look.classes is not None and look.classes < 2:
        raise DatasetError(
            f"'{wish.label}' has {counted(look.classes, 'class', 'classes')} of two rows or more",
            why="a split for a test needs two rows of each of two classes",
            fix="--label: name another column, or --task regression where its cells are amounts",
        )
    path = CONF / f"{option}.yaml"
    (root / CONF).mkdir(parents=True, exist_ok=True)
    (root / path).write_text(_text(option, inside, entry, sources, wish, look), encoding="utf-8")
    return path, look


def _entry(place: Path) -> tuple[Path, str]:
    """The folder of a dataset, and what ``dataset.files`` names in it."""
    if place.is_dir():
        endings = {ending_of(item.name) for item in place.rglob("*") if item.is_file()} & set(ENDINGS)
        if len(endings) != 1:
            raise DatasetError(
                f"{place} holds {'files of several forms' if endings else 'no file whose ending is known'}",
                why=f"it has {listing(sorted(endings))}" if endings else f"known are {listing(ENDINGS)}",
                fix=f"name those of one form by a pattern: '{place}/*{min(endings)}', or declare them all by hand"
                if endings
                else "name a file, or a pattern such as 'data/sales/*.csv'",
            )
        return place, f"**/*{endings.pop()}"
    folder = folder_of(place)
    return folder, place.relative_to(folder).as_posix()


def _name_of(place: Path) -> str:
    """A name from a file's, or the folder's of a pattern: lower letters, digits and '_'."""
    named = next((part for part in reversed(place.parts) if not is_pattern(part)), "")
    stem = named.partition(".")[0]
    found = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return found if found and not found.isdecimal() else f"table_{found}".rstrip("_")


def _require_free(root: Path, option: str) -> None:
    import yaml

    # Hydra takes more words for numbers than YAML does: inf, nan, 1e5.
    if not re.fullmatch(r"[A-Za-z0-9_][\w-]*", option) or yaml.safe_load(option) != option or _is_number(option):
        raise DatasetError(
            f"'{option}' cannot name a dataset",
            why="Hydra takes it as an option, and YAML must not take it for a number or for no value",
            fix="--name: letters, digits, '_' and '-', and none of null, true, false, yes, no, on, off, inf, nan",
        )
    names = {other: str(told.get("name", other)) for other, told in declared(root).items()}
    taken = next((other for other, name in names.items() if option in {other, name}), None)
    if taken:
        raise DatasetError(
            f"there is a dataset '{option}' already",
            why=f"{CONF}/{taken}.yaml declares it, and no file is overwritten",
            fix=f"give another name: --name {option}_2, or remove that file",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(option: str, folder: str, entry: str, sources: Sequence[Source], wish: Wish, look: Look) -> str:
    """The declaration, with what was seen as comments."""
    of = f"{folder}/{entry}" if len(sources) == 1 else f"{folder}/{entry} ({len(sources)} files)"
    seen = [f"{of}, {look.extent}. Written by keystage dataset new; yours to edit. Seen:"]
    lines = [f"# {in_one_line(said)}" for said in [*seen, *(f"  {reason}" for reason in look.why)]]
    lines += [f"name: {_quoted(option)}", f"path: {_quoted(folder)}", f"files: [{_quoted(entry)}]"]
    lines += [f"label: {_quoted(wish.label)}", f"task: {look.task.value}"]
    if wish.time is not None and wish.forecast is not None:
        series = ", ".join(map(_quoted, wish.forecast.series))
        lines += [f"time: {_quoted(wish.time)}", "forecast:", f"  horizon: {wish.forecast.horizon}"]
        lines += [f"  series: [{series}]"] if series else []
    if look.read:
        lines += ["read:", *(f"  {key}: {_value(value)}" for key, value in look.read.items())]
    if look.missing != [""]:
        lines.append(f"missing: [{', '.join(map(_quoted, look.missing))}]")
    lines += [f"keep: [{', '.join(map(_quoted, look.keep))}]"] if look.keep else []
    lines += ["rows:", f"  where: {_quoted(look.where)}"] if look.where else []
    if look.is_part and look.task is not Task.forecasting:
        lines.append("stream: {}  # read in blocks, and a sample is learnt from: docs/large-tables.md")
    listed = look.columns if len(look.columns) <= MAX_LISTED and not look.is_part else {
        name: kind for name, kind in look.columns.items() if kind not in _FOUND or name == wish.label
    }  # fmt: skip
    others = len(look.columns) - len(listed)
    unlisted = f"  # types of {others:,} others are found as they are read" if others else ""
    lines += [
        f"columns:{unlisted}",
        *(f"  - {{name: {_quoted(name)}, type: {kind.value}}}" for name, kind in listed.items()),
    ]
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
