"""Conditions over columns, as in ``dataset.rows.where``: what may stand in one, and which columns it names.

The form is that of ``pandas.DataFrame.query``, less everything that could reach beyond the table: pandas would also
take Python's variables, attributes and calls. Standard library only: DVC imports this on every experiment.
"""

import ast
import re
from collections.abc import Sequence
from keyword import iskeyword
from typing import NamedTuple

_STRINGS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]+`")
_PLACEHOLDER = "_column{}_"
# Methods that ask something of each cell; pandas has them by these names.
_ASKS = {"isna", "notna", "between", "isin"}
_ASKS_OF_TEXT = {"contains", "startswith", "endswith", "lower", "upper", "strip", "len"}
_ASKS_OF_TIME = {"year", "month", "day", "hour", "dayofweek"}
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.Invert, ast.BinOp,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr, ast.Compare, ast.Eq, ast.NotEq,
    ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple,
    ast.Call, ast.Attribute, ast.keyword,
)  # fmt: skip


class Expression(NamedTuple):
    """A condition that may be evaluated.

    Attributes:
        text: with a placeholder for each name that stood in backticks.
        columns: the columns that it names, by what they are called in ``text``.
    """

    text: str
    columns: dict[str, str]


def require_expression(text: str) -> Expression:
    """The condition, taken apart.

    Args:
        text: comparisons of columns, numbers and 'texts', joined by and, or and not; ``in`` a list; arithmetic;
            ``.isna()``, ``.str.contains('x')``, ``.dt.year`` and the like. Names with spaces stand in backticks.

    Raises:
        ValueError: something else stands in it.
    """
    quoted: dict[str, str] = {}

    def placeholder(found: re.Match[str]) -> str:
        if not found[0].startswith("`"):
            return found[0]
        name = _PLACEHOLDER.format(len(quoted))
        quoted[name] = found[0][1:-1]
        return name

    plain = _STRINGS.sub(placeholder, text.strip())
    try:
        tree = ast.parse(plain, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"dataset.rows.where is no condition: {error.msg}, in: {text}") from None
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED) or not _is_plain(node):
            shown = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise ValueError(
                f"dataset.rows.where must be made of columns, values and comparisons, and has: {shown} "
                "(docs/datasets.md lists what it may have)"
            )
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not names:
        raise ValueError(f"dataset.rows.where names no column: {text}")
    return Expression(plain, {name: quoted.get(name, name) for name in sorted(names)})


def without_values(column: str, values: Sequence[object]) -> str | None:
    """The condition that leaves out the rows of some values; None where names or values have quotation marks."""
    text = f"{named(column)} not in {list(values)!r}"
    try:
        require_expression(text)
    except ValueError:
        return None
    return text


def named(column: str) -> str:
    """A column as a condition names it: in backticks, where it is no name of Python."""
    return column if column.isidentifier() and not iskeyword(column) else f"`{column}`"


def _is_plain(node: ast.AST) -> bool:
    """Calls and attributes are those that ask something of each cell; an accessor stands before one of its own."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute)
    if not isinstance(node, ast.Attribute):
        return True
    of = node.value
    if isinstance(of, ast.Attribute) and of.attr == "str":
        return node.attr in _ASKS_OF_TEXT
    if isinstance(of, ast.Attribute) and of.attr == "dt":
        return node.attr in _ASKS_OF_TIME
    return node.attr in {*_ASKS, "str", "dt"}
