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
            whole = rf"(?:\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+|\d+)"
        number = rf"(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
        return re.compile(rf"[+-]?(?:{number}|(?i:inf|infinity))")

    def plain(self, column: "pd.Series") -> "pd.Series":
        """The cells as Python writes numbers."""
        if self.thousands:
            column = column.str.replace(self.thousands, "", regex=False)
        return column if self.decimal == "." else column.str.replace(self.decimal, ".", regex=False)
