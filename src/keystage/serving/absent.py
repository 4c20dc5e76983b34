"""What to do about a file that lacks columns of the model: its header may stand elsewhere, or be written otherwise."""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from keystage.core.errors import DatasetError, hints
from keystage.data.formats.excel import header_with
from keystage.data.formats.separators import SEPARATORS, likely_separator
from keystage.data.sources.spec import HeaderKind
from keystage.serving.raw_file import Form, RawFile
from keystage.serving.sheets import sheet_names

_LOOKED_AT = 50  # lines among which a header is looked for


def mend(absent: Sequence[str], names: Sequence[str], file: RawFile) -> str:
    """What to do about columns that are not there: the file may be written otherwise, or the name.

    Args:
        absent: columns of the model.
        names: the columns of the file, as it was read.
        file: which it is.
    """
    if len(names) == 1 and (likely := likely_separator(names[0])):
        return f"say what stands between its fields: --read 'separator={SEPARATORS[likely]}'"
    if file.read.header is HeaderKind.union:
        return (
            f"name files that have them too, as a folder or pattern, or add them without values; {hints(absent, names)}"
        )
    if file.form in (Form.parquet, Form.lines):
        return hints(absent, names)
    if below := _header_below(file, absent):
        return f"its header stands elsewhere: {below}"
    near = hints(absent, names)
    return (
        f"{near}{'' if near.endswith('?') else '.'} Where the file is written in another way, say so, as in --read "
        "encoding=utf-8, --read skip_rows=0, --read header=none --read names=A,B, or where the first of several files "
        "has the header: --read header=first (docs/predict.md)"
    )


def _header_below(file: RawFile, absent: Sequence[str]) -> str:
    """The settings by which a header further down, or on another sheet, is read; empty where there is none."""
    if file.form is Form.sheet:
        with suppress(DatasetError):
            sheet, above = header_with(file.source, absent[0])
            there = sheet_names(replace(file, read=replace(file.read, sheet=sheet, skip_rows=above)))
            chosen = f"--read 'sheet={sheet}' " if sheet is not None else ""
            return f"{chosen}--read skip_rows={above}" if set(absent) <= set(there) else ""
        return ""
    from_the_top = replace(file, read=replace(file.read, skip_rows=0))
    with from_the_top.open_rows() as opened, io.TextIOWrapper(opened, "utf-8-sig", errors="replace") as text:
        lines = list(islice(text, _LOOKED_AT))
    for place, line in enumerate(lines):
        with suppress(csv.Error):
            names = next(csv.reader([line], delimiter=file.separator, quotechar=file.read.quote), [])
            if set(absent) <= set(names):
                return f"--read skip_rows={place}"
    return ""
