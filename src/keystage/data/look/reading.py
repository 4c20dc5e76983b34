"""A table that nobody has declared, read whole or in part, and what it takes to read it so."""

from collections.abc import Sequence

from keystage.core.errors import DatasetError, listing
from keystage.core.progress import Say
from keystage.data.look.alike import encoding_of_all
from keystage.data.look.columns import Kind, kind_by_type
from keystage.data.look.seen import Seen
from keystage.data.look.text import text_form
from keystage.data.look.texts import seen_in_texts
from keystage.data.look.typed import seen_in_types
from keystage.data.reading import as_numbers
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import Format, ReadSpec, compression_of
from keystage.data.stream import STREAMED

LARGE = 500 * 10**6  # bytes of CSV, whose texts take several times as much when they are looked at
PART_ROWS = 1_000_000  # of a large table that are looked at
_PACKED = 5  # bytes of CSV for one of Parquet or of a compressed file, as they come in practice


def seen_in(sources: Sequence[Source], label: str, say: Say, *, has_header: bool | None = None) -> Seen:
    """Read some files of one form; of large ones that can be read in blocks the first rows.

    Args:
        sources: at least one.
        label: the column to predict, whose name tells a header.
        say: told what is being done.
        has_header: whether the first line of a text names the columns; None finds out.

    Raises:
        DatasetError: a file is empty or no table, or has other columns than the first.
    """
    kind = sources[0].format_by(ReadSpec())
    odd = next((source for source in sources if source.format_by(ReadSpec()) is not kind), None)
    if odd is not None:
        raise DatasetError(
            f"{sources[0].shown} and {odd.shown} are of two forms",
            why="the files of a dataset are read alike",
            fix="name files of one form, by a pattern such as 'data/sales/*.csv'",
        )
    most = max(1, PART_ROWS // len(sources)) if kind in STREAMED and _size_of(sources) > LARGE else None
    if kind in {Format.csv, Format.tsv}:
        say(f"looking at the bytes of {listing(source.shown for source in sources)}")
        form = text_form(sources[0], has_header, encoding_of_all(sources), label)
        seen = seen_in_texts(sources, form, most, say)
    else:
        seen = seen_in_types(sources, kind, label, most)
    seen.is_part = most is not None
    for name in sources[0].partitions:
        seen.table[name] = as_numbers(seen.table[name])
        seen.kinds[name] = Kind(kind_by_type(seen.table[name]))
    return seen


def _size_of(sources: Sequence[Source]) -> int:
    """About how many bytes the rows of files take as CSV that is not compressed."""
    return sum(
        source.path.stat().st_size
        * (_PACKED if compression_of(source.name) or source.format_by(ReadSpec()) is Format.parquet else 1)
        for source in sources
    )
