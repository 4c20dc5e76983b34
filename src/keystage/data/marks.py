"""How numbers are written: the marks of decimals and of thousands."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Marks:
    """How numbers are written."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        """Of a whole cell; infinity is written as pandas reads it."""
        point = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands:
            whole = rf"(?:[1-9]\d{{0,2}}(?:{re.escape(self.thousands)}\d{{3}})+|\d+)"
        number = rf"(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
        return re.compile(rf"[+-]?(?:{number}|(?i:inf|infinity))")

    def plain(self, column: "pd.Series") -> "pd.Series":
        """The cells as Python writes numbers."""
        if self.thousands:
            column = column.str.replace(self.thousands, "", regex=False)
        return column if self.decimal == "." else column.str.replace(self.decimal, ".", regex=False)

    def numbers(self, column: "pd.Series", *, declared: bool) -> "pd.Series":
        """Texts as numbers, where all cells are written so.

        Where points stand between thousands, 1575.44 is none; pandas would take every point out of it.

        Args:
            column: texts.
            declared: to be numbers: of those that are not all written so the others stay as they are, for the check of
                their type. A column that is not declared stays as it is.
        """
        import pandas as pd

        cells = column.str.strip()
        written = cells.str.fullmatch(self.pattern.pattern).fillna(value=False).astype("bool")
        if bool((written | cells.isna()).all()):
            return pd.to_numeric(self.plain(cells))
        return column.mask(written, self.plain(cells)) if declared else column
