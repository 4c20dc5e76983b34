"""CSV and its kin: text in lines and fields, read by pandas' C parser."""

import warnings
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError, listing
from keystage.data.columns import ColumnType
from keystage.data.formats.failures import in_words
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import Format, HeaderKind, ReadSpec, compression_of
from keystage.data.spec import DatasetSpec

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = {",": ",", ";": ";", "\t": "tab", "|": "|"}  # the common ones, as dataset.read.separator takes them
_NUMBERS = {ColumnType.integer, ColumnType.number}


def separator_of(source: Source, read: ReadSpec) -> str:
    """The character between fields."""
    return read.separator or ("\t" if source.format_by(read) is Format.tsv else ",")


def delimited_header(source: Source, spec: DatasetSpec) -> list[str]:
    """The first line that is read, in its fields.

    Raises:
        DatasetError: it cannot be read, or is one field that holds other separators.
    """
    import pandas as pd

    read = spec.read or ReadSpec()
    with in_words(source, read), warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        first = pd.read_csv(source.path, header=None, nrows=1, dtype="str", **_options(source, read)).iloc[0]
    names = [str(name) for name in first]
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
        DatasetError: it is no such file.
    """
    import pandas as pd

    read = spec.read or ReadSpec()
    options = _options(source, read) | {"usecols": wanted}
    if not has_header:
        options |= {"header": None, "names": names}
    with in_words(source, read), warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame: pd.DataFrame = pd.read_csv(
            source.path,
            **options,
            low_memory=False,  # the whole file decides a column's type, not a chunk of it
            index_col=False,  # with more fields than names, pandas would take the first column for row names
            dtype=_as_texts(spec, read),
            keep_default_na=False,  # pandas would take 'None' and 'NA' for missing, labels and names included
            na_values=spec.missing,
            decimal=read.decimal,
            thousands=read.thousands,
        )
    if (read.decimal, read.thousands) != (".", None):
        _unmark(frame, spec, read)
    return frame


def _as_texts(spec: DatasetSpec, read: ReadSpec) -> dict[str, str]:
    """Columns whose cells are left as they are written; pandas takes the dots of 31.12.2024 for marks of thousands."""
    marked = (read.decimal, read.thousands) != (".", None)
    kinds = {ColumnType.string, ColumnType.datetime} if marked else {ColumnType.string}
    return {column.name: "str" for column in spec.declared if column.type in kinds}


def _options(source: Source, read: ReadSpec) -> dict[str, Any]:
    """What header and rows are read by."""
    return {
        "sep": separator_of(source, read),
        "encoding": read.encoding,
        "quotechar": read.quote,
        "comment": read.comment,
        "skiprows": read.skip_rows,
        "compression": compression_of(source.name) or "infer",
    }


def _unmark(frame: "pd.DataFrame", spec: DatasetSpec, read: ReadSpec) -> None:
    """Write the numbers of a column as Python does, where one cell that is no number has left all of them texts."""
    import pandas as pd

    for column in spec.declared:
        cells = frame.get(column.name)
        if cells is not None and column.type in _NUMBERS and not pd.api.types.is_numeric_dtype(cells):
            plain = cells.astype("str")
            if read.thousands:
                plain = plain.str.replace(read.thousands, "", regex=False)
            plain = plain.str.replace(read.decimal, ".", regex=False)
            is_number = pd.to_numeric(plain, errors="coerce").notna()
            frame[column.name] = cells.astype("str").mask(is_number, plain)


def _other_separator(field: str, source: Source, read: ReadSpec) -> DatasetError | None:
    """What is wrong with a table of one column whose name holds what others have between columns."""
    counts = {mark: field.count(mark) for mark in _SEPARATORS if mark != separator_of(source, read)}
    mark = max(counts, key=lambda name: counts[name])
    if not counts[mark] or (read.header is HeaderKind.none and read.separator is not None):
        return None
    shown = field if len(field) < 80 else field[:77] + "..."
    return DatasetError(
        f"{source.shown} has one column, '{shown}'",
        why=f"its fields are divided at '{_SEPARATORS.get(separator_of(source, read), separator_of(source, read))}', "
        f"and '{_SEPARATORS[mark]}' stands {counts[mark]} times in its first line",
        fix=f"set dataset.read.separator to '{_SEPARATORS[mark]}', like: keystage run +dataset.read.separator="
        f"\"'{_SEPARATORS[mark]}'\"",
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
