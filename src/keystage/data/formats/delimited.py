"""CSV and its kin: text in lines and fields, read by pandas' C parser."""

import warnings
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, cut, listing
from keystage.data.columns import NUMERIC, ColumnType
from keystage.data.formats.failures import in_words
from keystage.data.formats.plain import named, readable
from keystage.data.formats.separators import SEPARATORS, likely_separator
from keystage.data.formats.short_rows import require_full
from keystage.data.marks import Marks
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import HeaderKind, ReadSpec
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 80  # characters of a name that is told


def separator_of(source: Source, read: ReadSpec) -> str:
    """The character between fields."""
    return read.separator_in(source.format_by(read))


def delimited_header(source: Source, spec: DatasetSpec) -> list[str]:
    """The first line that is read, in its fields.

    Raises:
        DatasetError: it cannot be read, or is one field that holds other separators.
    """
    import pandas as pd

    read = spec.read or ReadSpec()
    with in_words(source, read), warnings.catch_warnings(), readable(source.path, source.name) as text:
        warnings.simplefilter("error", pd.errors.ParserWarning)
        first = pd.read_csv(text, header=None, nrows=1, dtype="str", **_options(source, read)).iloc[0]
    names = named("" if pd.isna(name) else str(name) for name in first)
    if len(names) == 1 and (hinted := _other_separator(names[0], source, read)):
        raise hinted
    return names


def read_delimited(
    source: Source, spec: DatasetSpec, names: list[str], wanted: list[str] | None, *, has_header: bool
) -> "pd.DataFrame":
    """The rows of a file.

    Args:
        source: the file.
        spec: which texts are missing cells, and which columns are text.
        names: of its columns.
        wanted: those that are read; None reads all.
        has_header: whether its first line is one.

    Raises:
        DatasetError: it is no such file, or has rows with too few fields.
    """
    import pandas as pd

    read = spec.read or ReadSpec()
    options, marks = _options(source, read) | {"usecols": wanted}, Marks(read.decimal, read.thousands)
    if not has_header:
        options |= {"header": None, "names": names}
    with in_words(source, read), warnings.catch_warnings(), readable(source.path, source.name) as text:
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame: pd.DataFrame = pd.read_csv(
            text,
            **options,
            low_memory=False,  # the whole file decides a column's type, not a chunk of it
            index_col=False,  # with more fields than names, pandas would take the first column for row names
            dtype="str" if marks != Marks() else _as_texts(spec),
            keep_default_na=False,  # pandas would take 'None' and 'NA' for missing, labels and names included
            na_values=spec.missing,
        )
    require_full(source, read, frame, names, options["sep"], has_header=has_header)
    if marks != Marks():
        declared = {column.name: column.type for column in spec.declared}
        for name in frame.columns:
            kind = declared.get(str(name))
            if kind is None or kind in NUMERIC:
                frame[name] = marks.numbers(frame[name], declared=kind is not None)
    return frame


def _as_texts(spec: DatasetSpec) -> dict[str, str]:
    """Columns whose cells are left as they are written."""
    return {column.name: "str" for column in spec.declared if column.type is ColumnType.string}


def _options(source: Source, read: ReadSpec) -> dict[str, Any]:
    """What header and rows are read by."""
    return {
        "sep": separator_of(source, read),
        "encoding": read.encoding,
        "quotechar": read.quote,
        "comment": read.comment,
        "skiprows": read.skip_rows,
        "compression": None,
    }


def _other_separator(field: str, source: Source, read: ReadSpec) -> DatasetError | None:
    """What is wrong with a table of one column whose name holds what others have between columns."""
    now = separator_of(source, read)
    mark = likely_separator(field, other_than=now)
    if not mark or (read.header is HeaderKind.none and read.separator is not None):
        return None
    likely = SEPARATORS[mark]
    return DatasetError(
        f"{source.shown} has one column, '{cut(field, _SHOWN)}'",
        why=f"its fields are divided at '{SEPARATORS.get(now, now)}', and '{likely}' stands {field.count(mark)} times "
        "in its first line",
        fix=f"set dataset.read.separator to '{likely}', like: keystage run +dataset.read.separator=\"'{likely}'\"",
    )


def require_distinct(names: list[str], source: Source) -> None:
    """Refuse two columns of one name, which pandas would call ``name`` and ``name.1`` without a word.

    Raises:
        DatasetError: names them.
    """
    twice = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if twice:
        raise DatasetError(
            f"{source.shown} has two columns of one name: {listing(twice)}",
            why="a column is declared, dropped and prepared by its name",
            fix="give each column of the header a name of its own",
        )
