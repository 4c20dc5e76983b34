"""Points out of the tables that stages wrote, whose cells are texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from keystage.report.material import Rows

MOST_POINTS = 400  # dots beyond hide each other


def numbers(rows: Rows, x: str, y: str) -> list[tuple[float, float]]:
    """Points of two columns; rows in which either is no number are left out."""
    found = []
    for row in rows:
        try:
            point = float(row[x]), float(row[y])
        except (KeyError, TypeError, ValueError):
            continue
        if point[0] == point[0] and point[1] == point[1]:
            found.append(point)
    return found


def thinned(points: Sequence[Any], most: int = MOST_POINTS) -> list[Any]:
    """At most so many points, evenly taken, both ends kept."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def by_group(rows: Rows, column: str) -> dict[str, list[Mapping[str, Any]]]:
    """Rows by the value of a column, in the order in which the values come."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(str(row.get(column, "")), []).append(row)
    return groups


def steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A line that is level up to each point."""
    stepped = list(points[:1])
    for x, y in points[1:]:
        stepped += [(x, stepped[-1][1]), (x, y)]
    return stepped


def telling(values: Sequence[float]) -> tuple[float, float]:
    """The range in which most values lie: a few far-off ones would press all others together.

    It reaches as far beyond the middle eight tenths as these are wide.
    """
    ordered = sorted(values)
    tenth = len(ordered) // 10
    middle = ordered[tenth : len(ordered) - tenth]
    room = (middle[-1] - middle[0]) or abs(middle[0]) or 1.0
    return max(ordered[0], middle[0] - room), min(ordered[-1], middle[-1] + room)
