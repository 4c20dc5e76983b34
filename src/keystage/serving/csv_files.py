"""CSV read by Arrow, of which no thread is left behind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from keystage.core.errors import cut
from keystage.data.formats.plain import UNNAMED, named
from keystage.serving.raw_file import RawFile

BLOCK_BYTES = 2 * 2**20  # of text; tens of thousands of rows, enough that a batch costs no more per row than the whole
MAX_TEXT = 200  # characters of a row shown in a reason


class _Tap:
    """A file that can be made to end early."""

    over = False
    closed = False  # Arrow asks

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        return b"" if self.over else self._file.read(size)


@contextmanager
def open_csv(file: RawFile, columns: Sequence[str], names: Sequence[str], unreadable: dict[int, str]) -> Iterator[Any]:
    """Arrow's reader of a file, with nothing of it running on afterwards.

    Args:
        file: what is read.
        columns: that are wanted; their cells are bytes.
        names: of all columns, in their order.
        unreadable: takes the reasons of rows that have another number of fields than the header.
    """
    import pyarrow as pa
    from pyarrow import csv

    def note(row: Any) -> str:
        # Arrow counts from 1, the header too.
        whose = "header" if file.has_header else "first row"
        said = f"the row has {row.actual_columns} fields, the {whose} {row.expected_columns}: {cut(row.text, MAX_TEXT)}"
        unreadable[row.number - file.has_header] = said
        return "skip"

    as_in_file = file.has_header and not any(name.startswith(UNNAMED) for name in names)
    with file.open_rows() as opened:
        tap = _Tap(opened)
        reader = csv.open_csv(
            tap,
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=BLOCK_BYTES,
                column_names=None if as_in_file else list(names),
                skip_rows_after_names=int(file.has_header and not as_in_file),
            ),
            parse_options=csv.ParseOptions(
                delimiter=file.separator,
                quote_char=file.read.quote,
                newlines_in_values=True,
                invalid_row_handler=note,
            ),
            convert_options=csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.binary()),
                null_values=list(file.missing),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        try:
            yield reader
        finally:
            # close() does not wait for Arrow's thread that reads ahead: it aborts where it calls note() as Python ends.
            tap.over = True
            with suppress(pa.ArrowInvalid, OSError, UnicodeError):
                for _ in reader:
                    pass
            reader.close()


def csv_header(file: RawFile) -> list[str]:
    """The names of the columns.

    Raises:
        ValueError: there is no header, or it is no CSV in its encoding.
    """
    import csv
    import io

    from keystage.data.formats.opening import names_without_header

    # Not by Arrow: it would read blocks ahead in a thread that cannot be waited for.
    with (
        file.open_rows() as opened,
        io.TextIOWrapper(opened, "utf-8-sig", errors="surrogateescape", newline="") as text,
    ):
        try:
            rows = csv.reader(text, delimiter=file.separator, quotechar=file.read.quote)
            names: list[str] = next(filter(None, rows), [])
        except csv.Error as error:
            raise ValueError(str(error)) from error
    if not names:
        raise ValueError("it has no header")
    for name in names:
        name.encode()  # fails where it was not in its encoding
    return named(names) if file.has_header else names_without_header(names, file.read)
