"""What is said of the texts in files: that a person should look at, and that nothing is changed of."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from keystage.core.errors import counted, listing
from keystage.core.times import ISO_DAY, within
from keystage.data.columns import ColumnType
from keystage.data.formats.short_rows import short_rows
from keystage.data.look.columns import MISSING, NUMBERS, Kind
from keystage.data.look.text import TextForm
from keystage.data.marks import Marks
from keystage.data.sources.resolve import Source
from keystage.data.sources.spec import ReadSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_FEW_CODES = 100  # different cells; a measurement has more
_NINES = re.compile(r"-?9{2,}(\.0*)?")  # -999 and the like, which many files have in the place of nothing


def spaces_told(table: "pd.DataFrame", texts: Sequence[str]) -> list[str]:
    """Spaces at the ends of names and cells, a sentence each: they are kept, and make names and texts others.

    Args:
        table: cells as they are written.
        texts: the columns whose cells stay texts.
    """
    named = [name for name in map(str, table.columns) if name != name.strip()]
    sentences = (
        [f"names of columns begin or end with spaces, and are to be written so: {listing(map(repr, named))}"]
        if named
        else []
    )
    for name in texts:
        values = table[name].dropna().drop_duplicates()
        spaced = values[(values != values.str.strip()) & (values.str.strip() != "")]
        alike = spaced[spaced.str.strip().isin(values)]
        if len(spaced):
            twice = (
                f", and with them they are others than without: {listing(map(repr, alike.head(3)))}"
                if len(alike)
                else ""
            )
            count = counted(len(spaced), "text", "different texts")
            sentences.append(
                f"{count} of '{name}' {'begins or ends' if len(spaced) == 1 else 'begin or end'} with spaces{twice}"
            )
    return sentences


def alike_told(label: "pd.Series") -> list[str]:
    """Classes that differ by case or by spaces at their ends alone, in a sentence at most: each is one of its own."""
    classes = label.dropna().drop_duplicates()
    alike = classes[classes.str.strip().str.lower().duplicated(keep=False)]
    if alike.empty:
        return []
    return [f"classes of '{label.name}' that differ by case or spaces alone are different ones: {_named(alike)}"]


def long_told(cells: "Mapping[str, pd.Series]", kinds: Mapping[str, Kind]) -> list[str]:
    """Columns of whole numbers that are texts, because numbers have no place for so many digits, in a sentence at most.

    Args:
        cells: by column, as ``cells_by_column`` gives them.
        kinds: what the columns seem to be.
    """
    texts = [name for name, kind in kinds.items() if kind.type is ColumnType.string and len(cells[name])]
    long = [name for name in texts if cells[name].index.str.fullmatch(r"[+-]?[1-9]\d*").all()]
    if not long:
        return []
    return [
        f"whole numbers of more digits than a number keeps (2**53) are texts: {_named(long)}; type number rounds them"
    ]


def codes_told(cells: Mapping[str, "pd.Series"], kinds: Mapping[str, Kind], marks: Marks) -> list[str]:
    """Columns of few numbers that may be codes, a sentence each: one number in two writings, or exponents alone."""
    told = []
    for name, kind in kinds.items():
        texts = cells[name].index.to_series()
        if kind.type not in NUMBERS or not 0 < len(texts) <= _FEW_CODES:
            continue
        texts = texts[texts.str.fullmatch(marks.pattern.pattern)]
        twice = texts[marks.plain(texts).astype("float64").duplicated(keep=False)]
        shown = twice if len(twice) else texts[texts.str.fullmatch(r"\d+[eE]\d+")]
        if len(shown) and (len(twice) or len(shown) == len(texts)):
            what = "are one number in two writings" if len(twice) else "are read as numbers with exponents"
            told.append(f"{_named(shown)} of '{name}' {what}: where they are codes, declare it as string")
    return told


def _named(names: Iterable[str]) -> str:
    return listing(map(repr, names))


def markers_told(cells: "Mapping[str, pd.Series]", missing: Sequence[str]) -> list[str]:
    """Texts that stand for a missing value in many files and are taken as values here, in a sentence at most.

    Args:
        cells: by column, as ``cells_by_column`` gives them.
        missing: what is taken as missing.
    """
    found = {name: [value for value in counts.index if value in MISSING] for name, counts in cells.items()}
    kept = {name: [repr(value) for value in values if value not in missing] for name, values in found.items()}
    shown = [f"{' and '.join(values)} in '{name}'" for name, values in kept.items() if values]
    if not shown:
        return []
    return [f"taken as values: {listing(shown)}; where such a text says that there is none, add it to missing"]


def numbers_told(table: "pd.DataFrame", cells: "Mapping[str, pd.Series]") -> list[str]:
    """Numbers that may be none, a sentence for each column that has such: infinite ones, and nines far from all others.

    Args:
        table: typed columns.
        cells: by column, as ``cells_by_column`` gives them.
    """
    import numpy as np

    sentences = []
    for name in table.select_dtypes("number").columns:
        values = table[name].dropna().to_numpy(dtype="float64")
        if infinite := int(np.isinf(values).sum()):
            have = f"{counted(infinite, 'cell', 'cells')} of '{name}' {'is' if infinite == 1 else 'are'} infinite"
            sentences.append(f"{have}: prep=auto takes them as missing")
        finite = np.unique(values[np.isfinite(values)])
        counts = cells[str(name)]
        codes = [text for text in map(str, counts.index[counts > 1]) if _NINES.fullmatch(text)]
        others = finite[~np.isin(finite, [float(text) for text in codes])]
        apart = [text for text in codes if _is_apart(float(text), others)]
        if apart:
            rest = f"far from all others, which are {others[0]:g} to {others[-1]:g}"
            sentences.append(f"'{name}' holds {listing(apart)}, {rest}; where that means none, add it to missing")
    return sentences


def far_times_told(cells: "Mapping[str, pd.Series]", kinds: Mapping[str, Kind]) -> list[str]:
    """Columns of dates that are texts because some are too far away, a sentence each.

    Args:
        cells: by column, as ``cells_by_column`` gives them.
        kinds: what the columns seem to be.
    """
    import pandas as pd

    told = []
    for name in [name for name, kind in kinds.items() if kind.type is ColumnType.string]:
        texts = cells[name].index.to_series()
        if not len(texts) or not texts.str.match(ISO_DAY).all():
            continue
        times = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
        if len(far := texts[times.notna() & ~within(times)]) and times.notna().all():
            told.append(
                f"times of '{name}' before 1677 or after 2262 make it text: {_named(far)}; where that means none, add "
                "it to missing, and declare the column as datetime"
            )
    return told


def _is_apart(value: float, others: "np.ndarray") -> bool:
    """Whether a number is further from the others than they are from each other."""
    if len(others) < 2:
        return False
    return bool(max(others[0] - value, value - others[-1]) > others[-1] - others[0])


def short_told(sources: Sequence[Source], frames: "Sequence[pd.DataFrame]", form: TextForm) -> list[str]:
    """What rows lack fields at their end, a sentence for each file that has such."""
    read, width = ReadSpec(encoding=form.encoding, comment=form.comment, skip_rows=form.skip_rows), len(form.names)
    found = [
        short_rows(source, read, width, form.separator, has_header=form.has_header, most=len(frame))
        for source, frame in zip(sources, frames, strict=True)
        if frame.shape[1] >= width and frame[frame.columns[width - 1]].isna().any()
    ]
    return [
        f"{rows}: the cells at their end are taken as missing; if that is wrong, correct the file"
        for rows in found
        if rows
    ]
