"""CSV read by Arrow, of which no thread is left behind."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BLOCK_BYTES = 2 * 2**20  # of text; tens of thousands of rows, enough that a batch costs no more per row than the whole
MAX_TEXT = 200  # characters of a row shown in a reason


class _Tap(io.FileIO):
    """A file that can be made to end early."""

    over = False

    def read(self, size: int | None = -1, /) -> bytes:
        return b"" if self.over else super().read(size) or b""


@contextmanager
def open_csv(path: Path, columns: Sequence[str], missing: Sequence[str], unreadable: dict[int, str]) -> Iterator[Any]:
    """Arrow's reader of a file, with nothing of it running on afterwards.

    Args:
        path: of the file.
        columns: that are wanted; their cells are bytes.
        missing: texts that stand for a missing cell.
        unreadable: takes the reasons of rows that have another number of fields than the header.
    """
    import pyarrow as pa
    from pyarrow import csv

    def note(row: Any) -> str:
        # Arrow counts from 1 and takes the header for the first.
        text = row.text if len(row.text) <= MAX_TEXT else f"{row.text[: MAX_TEXT - 1]}…"
        said = f"the row has {row.actual_columns} fields, the header {row.expected_columns}: {text}"
        unreadable[row.number - 1] = said
        return "skip"

    with _Tap(path) as file:
        reader = csv.open_csv(
            file,
            read_options=csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            convert_options=csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.binary()),
                null_values=list(missing),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        try:
            yield reader
        finally:
            # close() does not wait for Arrow's thread that reads ahead: it aborts where it calls note() as Python ends.
            file.over = True
            with suppress(pa.ArrowInvalid, OSError):
                for _ in reader:
                    pass
            reader.close()


def csv_header(path: Path) -> list[str]:
    """The names of the columns.

    Raises:
        ValueError: there is no header, or it is no CSV in UTF-8.
    """
    import csv

    # Not by Arrow: it would read blocks ahead in a thread that cannot be waited for.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        try:
            names: list[str] = next(filter(None, csv.reader(file)), [])
        except csv.Error as error:
            raise ValueError(str(error)) from error
    if not names:
        raise ValueError("it has no header")
    for name in names:
        name.encode()  # fails where it was no UTF-8
    return names
