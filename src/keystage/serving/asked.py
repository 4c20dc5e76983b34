"""What ``keystage predict`` is asked for, and what is refused before any work."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keystage.core.errors import DatasetError, hint, listing
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ENDINGS, Format, HeaderKind, ReadSpec, compression_of, ending_of
from keystage.serving.absent import mend
from keystage.serving.csv_files import BLOCK_BYTES
from keystage.serving.formats import columns_of
from keystage.serving.forms import form_of
from keystage.serving.parts import bad_file
from keystage.serving.raw_file import Form, RawFile, name_among, read_as, sources_at, stands_among
from keystage.serving.served import ServedModel

ALL = "*"  # --keep: every column of the input
_PACKED = 20  # bytes of text in a byte of Parquet, of a workbook or of a compressed text; seldom more


@dataclass(frozen=True)
class Request:
    """What is to be scored, and how.

    Attributes:
        model: the version.
        source: a file of raw rows, a folder or a pattern of several.
        output: file to write.
        keep: columns of the input that stand before the predictions; ``*`` for all of them.
        max_bad: greatest share of rows that may be impossible to score.
        processes: how many predict side by side.
        cores: that they share.
        read: settings of ``dataset.read`` in place of the model's dataset's, as ``separator=;``.
    """

    model: ServedModel
    source: Path
    output: Path
    keep: Sequence[str] = ()
    max_bad: float = 0.0
    processes: int = 1
    cores: int = 1
    read: Sequence[str] = ()

    @property
    def files(self) -> list[RawFile]:
        """The files of the input in their order, and how each is read.

        Raises:
            DatasetError: there is none, or a setting of ``read`` is wrong.
        """
        texts = [name for name, kind in self.model.columns.items() if kind == "text"]
        return [
            RawFile(source.path, self._reading(source.path), self.model.missing, texts, self._given(source))
            for source in sources_at(self.source)
        ]

    def _given(self, source: Source) -> dict[str, str | None]:
        """Columns that the path gives; and the file's name, where the model has learnt from names of files."""
        added = self.model.reading.get("source_column") or ""
        named = {added: name_among(source.path, self.source)} if added in self.model.columns else {}
        return {**source.partitions, **named}

    def _reading(self, file: Path) -> ReadSpec:
        declared = dict(self.model.reading)
        if found := ENDINGS.get(ending_of(file.name)):
            declared["format"] = found  # the model's files may have been others
        if found is Format.tsv:
            declared.pop("separator", None)  # the ending says it
        return read_as(declared, self.read)


@dataclass(frozen=True)
class Checked:
    """What is known of a request that nothing stands in the way of.

    Attributes:
        files: those of the input, each with the names of its columns.
        keep: columns to keep, each once.
    """

    files: Sequence[tuple[RawFile, Sequence[str]]]
    keep: Sequence[str]

    @property
    def most_blocks(self) -> int:
        """How many blocks the files may have: with more processes than these, some would load the model for nothing."""
        return sum(max(1, math.ceil(_unpacked_size(file) / BLOCK_BYTES)) for file, _ in self.files)


def check(request: Request) -> Checked:
    """Look at the request before any work.

    Raises:
        DatasetError: the input cannot be read or lacks a column, the output would overwrite it or has no folder, or an
            option is wrong.
    """
    files = _with_names(request.files)
    _require_apart(request, files)
    every = list(dict.fromkeys(name for file, names in files for name in (*names, *file.given)))
    keep = every if list(request.keep) == [ALL] else list(dict.fromkeys(request.keep))
    if files[0][0].read.header is HeaderKind.union:
        files = [(replace(file, given={**dict.fromkeys(every), **file.given}), names) for file, names in files]
    for file, names in files:
        there = list(dict.fromkeys([*names, *file.given]))
        _require_columns(file, there, request)
        _require_kept(file, there, keep)
    if not 0 <= request.max_bad <= 1:
        raise DatasetError(
            f"--max-bad is a share, from 0 to 1, not {request.max_bad}", why="it is of all rows", fix="--max-bad 0.01"
        )
    form_of(request.output)
    folder = request.output.parent
    if not folder.is_dir():
        raise DatasetError(
            f"there is no folder {folder}",
            why=f"{request.output.name} is to be written there",
            fix=f"mkdir -p {folder}",
        )
    return Checked(files, keep)


def _unpacked_size(file: RawFile) -> int:
    """Bytes of text that a file holds, at most, as far as its size tells."""
    is_text = file.form in {Form.csv, Form.lines} and compression_of(file.path.name) is None
    return file.path.stat().st_size * (1 if is_text else _PACKED)


def _with_names(files: Sequence[RawFile]) -> list[tuple[RawFile, list[str]]]:
    """The files with the names of their columns, which the first one's header may have for all."""
    found: list[tuple[RawFile, list[str]]] = []
    for file in files:
        alone = file
        if found and file.read.header is HeaderKind.first:
            alone = replace(file, read=replace(file.read, header=HeaderKind.none, names=found[0][1]))
        found.append((alone, columns_of(alone)))
    return found


def require_free(keep: Sequence[str], outputs: Sequence[str]) -> None:
    """Refuse a kept column that has the name of one of the model's outputs.

    Raises:
        DatasetError: there is one.
    """
    taken = sorted(set(keep) & set(outputs))
    if taken:
        raise DatasetError(
            f"the output would have two columns called '{taken[0]}'",
            why="the model's answer has that name, and --keep names a column of the input with it",
            fix="rename the column of the input, or leave it out of --keep",
        )


def _require_apart(request: Request, files: Sequence[tuple[RawFile, Sequence[str]]]) -> None:
    for written in (request.output, bad_file(request.output)):
        # Not by their names: a link leads to the same file too.
        same = next((file.path for file, _ in files if written.exists() and written.samefile(file.path)), None)
        if same is not None:
            raise DatasetError(
                f"{written} is the input itself", why=f"writing it would destroy {same}", fix="name another output"
            )
    if stands_among(request.output, request.source):
        raise DatasetError(
            f"{request.output} would stand among the input's files",
            why=f"the same command would score it as one of {request.source} the next time",
            fix="name an output in another folder",
        )


def _require_kept(file: RawFile, names: Sequence[str], keep: Sequence[str]) -> None:
    unknown = [name for name in keep if name not in names]
    if unknown:
        raise DatasetError(
            f"--keep names '{unknown[0]}', which {file.path.name} does not have",
            why=f"the file has {listing(names)}",
            fix=hint(unknown[0], names),
        )


def _require_columns(file: RawFile, names: Sequence[str], request: Request) -> None:
    absent = [name for name in request.model.columns if name not in names]
    if absent:
        told = f"; it was read with {_told(request)}" if request.model.reading or request.read else ""
        raise DatasetError(
            f"{file.path.name} lacks {'column' if len(absent) == 1 else 'columns'} {listing(absent)}",
            why=f"{request.model.name} takes {listing(request.model.columns)}; the file has {listing(names)}{told}",
            fix=mend(absent, names, file),
        )


def _told(request: Request) -> str:
    """The settings that the input is read with."""
    declared = {name: value for name, value in request.model.reading.items() if value is not None}
    asked = dict(change.partition("=")[::2] for change in request.read)
    return ", ".join(f"{name}={value}" for name, value in {**declared, **asked}.items())
