"""Texts of files that nobody has declared: their marks, missing cells and types, found over all rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, listing
from keystage.core.progress import Say
from keystage.data.columns import ColumnType
from keystage.data.formats.failures import IN_QUOTES, said_of
from keystage.data.formats.plain import readable
from keystage.data.look.alike import require_alike, require_same_separator
from keystage.data.look.columns import blanks_in, cells_by_column, kind_of, marks_of, missing_in, typed
from keystage.data.look.seen import Seen, below_each_other
from keystage.data.look.text import TextForm
from keystage.data.look.told import (
    codes_told,
    far_times_told,
    long_told,
    markers_told,
    numbers_told,
    short_told,
    spaces_told,
)
from keystage.data.marks import Marks
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ShortRows

if TYPE_CHECKING:
    import pandas as pd


def seen_in_texts(sources: Sequence[Source], form: TextForm, most: int | None, say: Say) -> Seen:
    """Read texts of one form, and find what their cells are.

    Args:
        sources: at least one.
        form: of all of them.
        most: how many rows of each are looked at; None looks at all.
        say: told what is being done.

    Raises:
        DatasetError: a file is no table, or is written in another way than the first.
    """
    import pandas as pd

    _require_names(sources[0], form)
    frames = [_rows(source, form, most, say) for source in sources]
    require_same_separator(sources, frames, form)
    short = short_told(sources, frames, form)
    raw = below_each_other(sources, frames)
    own = [name for name in raw.columns if name not in sources[0].partitions]
    say(f"finding how numbers and missing cells of {len(own)} columns are written")
    cells = cells_by_column(raw[own])
    marks, why = marks_of(cells, form.separator)
    missing = missing_in(cells, marks, blanks_in(raw[own], cells))
    say(f"finding the types of {len(own)} columns")
    kinds = {
        name: kind_of((value for value in counts.index if value not in missing), marks)
        for name, counts in cells.items()
    }
    texts = [name for name, kind in kinds.items() if kind.type is ColumnType.string]
    require_alike(sources, frames, texts if len(frames) > 1 else [], form.separator)
    why += spaces_told(raw[own], texts)
    if missing != [""]:
        why.append(f"missing cells are written {', '.join(repr(text) for text in missing if text)}")
    why += [
        *markers_told(cells, missing),
        *long_told(cells, kinds),
        *far_times_told(cells, kinds),
        *codes_told(cells, kinds, marks),
    ]
    table = pd.DataFrame({name: typed(raw[name], kinds[str(name)], marks, missing) for name in own})
    why += numbers_told(table, cells)
    table[list(sources[0].partitions)] = raw[list(sources[0].partitions)]
    read = _read(form, marks) | ({"short_rows": ShortRows.fill.value} if short else {})
    return Seen(table, kinds, read, missing, [*form.why, *short, *why], marks=marks)


def _rows(source: Source, form: TextForm, most: int | None, say: Say) -> "pd.DataFrame":
    import pandas as pd

    say(f"reading {source.shown}")
    try:
        with readable(source.path, source.name) as text:
            rows: pd.DataFrame = pd.read_csv(
                text,
                sep=form.separator,
                encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding,
                skiprows=form.skip_rows,
                comment=form.comment,
                header=0 if form.has_header else None,
                names=None if form.has_header else form.names,
                dtype="str",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                nrows=most,
            )
    except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise DatasetError(
            f"{source.shown} cannot be read as a table separated by {form.separator!r}",
            why=said_of(error),
            fix=f"correct it, then run the same command again: {IN_QUOTES}",
        ) from error
    return rows


def _require_names(source: Source, form: TextForm) -> None:
    twice = [name for name in dict.fromkeys(form.names) if form.names.count(name) > 1]
    if twice:
        raise DatasetError(
            f"{source.shown} has two columns of one name: {listing(twice)}",
            why="a column is declared, dropped and prepared by its name",
            fix="give each column of the header a name of its own; where that line is none: --no-header",
        )


def _read(form: TextForm, marks: Marks) -> dict[str, Any]:
    """What is not the usual, by the names of ``dataset.read``."""
    told: dict[str, Any] = {
        "separator": None if form.separator == "," else {"\t": "tab"}.get(form.separator, form.separator),
        "encoding": None if form.encoding == "utf-8" else form.encoding,
        "header": None if form.has_header else "none",
        "decimal": None if marks.decimal == "." else marks.decimal,
        "thousands": marks.thousands,
        "comment": form.comment,
        "skip_rows": form.skip_rows or None,
    }
    return {name: value for name, value in told.items() if value is not None}
