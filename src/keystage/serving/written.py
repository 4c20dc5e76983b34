"""Numbers and times of a text that are written as another country or tool writes them, as the model's door reads them.

This runs in the process that holds the model.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keystage.serving.scoring import unfit_cell

if TYPE_CHECKING:
    import pandas as pd

Bad = dict[int, dict[str, str]]
PLAIN = (".", "")  # marks of decimals and of thousands, as Python writes numbers


def read_as_written(frame: "pd.DataFrame", kinds: Mapping[str, str], written: Mapping[str, Any]) -> Bad:
    """Put numbers and times in place of texts, and tell which cells are none as they should be written.

    Args:
        frame: n rows with index 0 to n-1; changed in place. Columns that are no texts stay as they are.
        kinds: number, text or date, by column.
        written: ``marks``, of decimals and of thousands, with the ``pattern`` of a number so written;
            ``datetimes``, the form of times by column, as ``strptime`` takes it.
    """
    import numpy as np
    import pandas as pd

    bad: Bad = {}
    for name, kind in kinds.items():
        column = frame[name]
        if column.dtype not in ("str", "object"):
            continue
        form = written["datetimes"].get(name)
        if kind == "number" and tuple(written["marks"]) != PLAIN:
            decimal, thousands = written["marks"]
            wanted = f"number with '{decimal}' for decimals" + (
                f" and '{thousands}' between thousands" if thousands else ""
            )
            read = _numbers(column, decimal, thousands, written["pattern"])
        elif kind == "date" and form is not None:
            wanted = f"date written like {form}"
            read = pd.to_datetime(column, errors="coerce", format=form)
        else:
            continue
        for place in np.flatnonzero(read.isna() & column.notna()):
            bad.setdefault(int(place), {"column": name, "reason": unfit_cell(name, column.iloc[place], wanted)})
        frame[name] = read
    return bad


def _numbers(column: "pd.Series", decimal: str, thousands: str, pattern: str) -> "pd.Series":
    """Of the cells that are written so; 1575.44 is no number where points stand between thousands."""
    import pandas as pd

    texts = column.astype("str").str.strip()
    texts = texts.where(texts.str.fullmatch(pattern).fillna(value=False).astype("bool"))
    if thousands:
        texts = texts.str.replace(thousands, "", regex=False)
    return pd.to_numeric(texts.str.replace(decimal, ".", regex=False), errors="coerce")
