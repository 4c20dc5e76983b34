"""How commands print tables."""

import os

from rich import box
from rich.console import Console
from rich.table import Table

WITHOUT_TERMINAL = 160  # columns of a table that goes into a file or another program


def plain_table(*titles: str) -> Table:
    """An empty table with columns of these titles; in a narrow terminal cells take several lines, and none is cut."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def wide_console() -> Console:
    """As wide as the terminal; where there is none, wide enough for whole names."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=WITHOUT_TERMINAL)
