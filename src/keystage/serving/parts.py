"""What has been scored of a file, kept part by part, so that a run that was killed goes on where it stopped."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystage.serving.errors import ServingError
from keystage.serving.forms import form_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Parts:
    """The folder beside the output in which its parts stand.

    Attributes:
        output: the file that is made of them.
        folder: ``OUTPUT.parts``.
        taken_up: parts of an earlier run of the same work were there.
    """

    output: Path
    folder: Path
    taken_up: int

    def part(self, number: int) -> Path:
        """Where a part is written."""
        return self.folder / f"{number:06}{self.output.suffix}"

    def note(self, number: int, told: Mapping[str, Any]) -> None:
        """Say that a part is whole."""
        path = self._note(number)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(told), encoding="utf-8")
        beside.replace(path)

    def told(self, number: int) -> dict[str, Any] | None:
        """What was noted of a part; None where it is not whole."""
        path = self._note(number)
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def finish(self, count: int, columns: Sequence[str], bad: Sequence[Mapping[str, Any]]) -> Path | None:
        """Put output and bad rows in their places, and remove the parts. Returns where the bad rows are, if any."""
        whole = self.folder / f"whole{self.output.suffix}"
        join([self.part(number) for number in range(count)], whole, columns)
        beside = bad_file(self.output)
        if bad:
            kept = self.folder / "bad"
            kept.write_text("".join(json.dumps(row) + "\n" for row in bad), encoding="utf-8")
            kept.replace(beside)
        else:
            beside.unlink(missing_ok=True)
        whole.replace(self.output)
        shutil.rmtree(self.folder)
        return beside if bad else None

    def remove(self) -> None:
        """Leave nothing to take up."""
        shutil.rmtree(self.folder)

    def _note(self, number: int) -> Path:
        return self.folder / f"{number:06}.json"


def bad_file(output: Path) -> Path:
    """Where the rows that could not be scored are told."""
    return output.with_name(f"{output.name}.bad.jsonl")


@contextmanager
def open_parts(output: Path, work: Mapping[str, Any]) -> Iterator[Parts]:
    """The parts of this work: those that an earlier run left, or none.

    Args:
        output: file that is wanted.
        work: what the parts depend on: input, model, options. Parts of other work are removed.

    Raises:
        ServingError: another run writes the same output.
    """
    from filelock import FileLock, Timeout

    folder = output.with_name(f"{output.name}.parts")
    lock = output.with_name(f".{output.name}.lock")
    try:
        with FileLock(lock, timeout=0):
            of = folder / "work.json"
            same = of.is_file() and json.loads(of.read_text(encoding="utf-8")) == json.loads(json.dumps(work))
            if not same:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                of.write_text(json.dumps(work), encoding="utf-8")
            yield Parts(output, folder, len(list(folder.glob("[0-9]*.json"))))
    except Timeout as error:
        raise ServingError(
            f"another run is writing {output}", why=f"it holds {lock.name}", fix="wait for it, or name another output"
        ) from error
    finally:
        lock.unlink(missing_ok=True)


def write_part(table: "pa.Table", part: Path) -> None:
    """Write a part, whole or not at all, in the form that its ending says; a CSV has no header yet."""
    beside = part.with_name(f"{part.name}.new")
    form = form_of(part)
    if form == "parquet":
        from pyarrow import parquet

        parquet.write_table(table, beside)
    elif form == "csv":
        import pyarrow as pa
        from pyarrow import csv

        try:
            csv.write_csv(table, beside, csv.WriteOptions(include_header=False, quoting_style="none"))
        except pa.ArrowInvalid:  # a cell with a comma, a quotation mark or a line's end: then all texts are quoted
            csv.write_csv(table, beside, csv.WriteOptions(include_header=False, quoting_style="needed"))
    else:
        import orjson

        beside.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in table.to_pylist()))
    beside.replace(part)


def join(parts: Sequence[Path], target: Path, columns: Sequence[str]) -> None:
    """Write the parts below each other.

    Args:
        parts: in their order.
        target: file to write.
        columns: the header of a CSV.
    """
    form = form_of(target)
    if form == "parquet":
        _join_parquet(parts, target)
        return
    with target.open("wb") as file:
        if form == "csv":
            import csv
            import io

            header = io.StringIO()
            csv.writer(header, lineterminator="\n").writerow(columns)
            file.write(header.getvalue().encode())
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, file)


def _join_parquet(parts: Sequence[Path], target: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schemas = [parquet.read_schema(part).remove_metadata() for part in parts]
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # a kept column that is a number here and text there
        odd = {item.name for item in schemas[0] if len({str(other.field(item.name).type) for other in schemas}) > 1}
        schema = pa.schema([(item.name, pa.string() if item.name in odd else item.type) for item in schemas[0]])
    with parquet.ParquetWriter(target, schema) as writer:
        for part in parts:
            writer.write_table(parquet.read_table(part).cast(schema))
