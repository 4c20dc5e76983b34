"""Drawings as text: one frame with axes, and the marks that go in it. Colours are classes of the page's style sheet.

Equal inputs give equal text: coordinates have one digit, and nothing is drawn by a clock or at random.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from keystage.core.errors import cut
from keystage.report.words import MINUS, figure

WIDTH, HEIGHT = 400, 270
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 12, 42
SERIES = 6  # colours in the style sheet
LONGEST_LABEL = 13  # characters of a category below an axis
Points = Sequence[tuple[float, float]]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers within [low, high], steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low]
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def span(values: Sequence[float], margin: float = 0.04) -> tuple[float, float]:
    """The range of finite values with some room; around a single value one as wide as it."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if low == high:
        low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (-1.0, 1.0)
    room = (high - low) * margin
    return low - room, high + room


@dataclass
class Frame:
    """A drawing with two axes.

    Attributes:
        name: what it shows, for people who hear it.
        x: range of values across.
        y: range of values upwards.
        x_title: below the axis.
        y_title: above the axis.
        says: what is to be seen, for people who hear it.
        x_ticks: labels by value; None for round numbers.
        width: in units of the drawing.
        height: likewise.
    """

    name: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_title: str = ""
    y_title: str = ""
    says: str = ""
    x_ticks: Sequence[tuple[float, str]] | None = None
    width: int = WIDTH
    height: int = HEIGHT
    _marks: list[Markup] = field(default_factory=list)
    _keys: list[tuple[str, str]] = field(default_factory=list)

    def line(self, points: Points, series: int = 0, *, kind: str = "line", key: str = "") -> None:
        """A line through points, in the order given; ``kind`` is a class of the style sheet."""
        text = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._marks.append(Markup('<polyline class="{} s{}" points="{}"/>').format(kind, series % SERIES, text))
        self._key(key, series)

    def area(self, lower: Points, upper: Points, series: int = 0, *, key: str = "") -> None:
        """A band between two lines."""
        self.line([*lower, *reversed(upper)], series, kind="band")
        self._key(key, series, "band")

    def dots(self, points: Points, series: int = 0, *, radius: float = 2.6, key: str = "") -> None:
        """A dot for each point."""
        for x, y in points:
            self._marks.append(
                Markup('<circle class="dot s{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(
                    series % SERIES, self._x(x), self._y(y), radius
                )
            )
        self._key(key, series)

    def bars(self, bars: Sequence[tuple[float, float, float]], series: int = 0, *, key: str = "") -> None:
        """An upright bar for each (left, right, height)."""
        for left, right, height in bars:
            x, top, base = self._x(left), self._y(height), self._y(max(0.0, self.y[0]))
            wide = max(self._x(right) - x - 1.0, 0.6)
            self._marks.append(
                Markup('<rect class="bar s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    series % SERIES, x, top, wide, max(base - top, 0.0)
                )
            )
        self._key(key, series)

    def draw(self) -> Markup:
        """The whole drawing, with what it says for people who do not see it, and a legend where there is a choice."""
        inner = Markup("").join([self._axes(), *self._marks])
        drawing = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>').format(
            self.width, self.height, f"{self.name}. {self.says}".strip(), self.name, inner
        )
        return drawing + self._legend()

    def _axes(self) -> Markup:
        parts = []
        bottom, right = self.height - BOTTOM, self.width - RIGHT
        for value in ticks(*self.y):
            y = self._y(value)
            grid = Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>')
            label = Markup('<text class="tick end" x="{}" y="{:.1f}">{}</text>')
            parts += [grid.format(LEFT, right, y=y), label.format(LEFT - 6, y + 4, short(value))]
        named = self.x_ticks if self.x_ticks is not None else [(value, short(value)) for value in ticks(*self.x)]
        below = Markup('<text class="{} mid" x="{:.1f}" y="{}">{}</text>')
        parts += [below.format("tick", self._x(value), bottom + 16, text) for value, text in named]
        parts.append(Markup('<line class="axis" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(LEFT, right, y=bottom))
        parts.append(below.format("name", (LEFT + right) / 2, self.height - 6, self.x_title))
        if self.y_title:
            turned = f"translate(13 {(TOP + bottom) / 2:.1f}) rotate(-90)"
            parts.append(Markup('<text class="name mid" transform="{}">{}</text>').format(turned, self.y_title))
        return Markup("").join(parts)

    def _key(self, key: str, series: int, kind: str = "") -> None:
        if key:
            self._keys.append((f"s{series % SERIES} {kind}".strip(), key))

    def _legend(self) -> Markup:
        if not self._keys:
            return Markup("")
        entries = Markup("").join(Markup('<li><i class="{}"></i>{}</li>').format(*entry) for entry in self._keys)
        return Markup('<ul class="legend" aria-label="Legend">{}</ul>').format(entries)

    def _x(self, value: float) -> float:
        return within(value, self.x, LEFT, self.width - RIGHT)

    def _y(self, value: float) -> float:
        return within(value, self.y, self.height - BOTTOM, TOP)


def categories(names: Sequence[str]) -> list[tuple[float, str]]:
    """Labels below an axis for 0, 1, ...; of many every second, third or so on."""
    every = max(1, math.ceil(len(names) * min(LONGEST_LABEL, max(map(len, names), default=1)) / 52))
    return [(float(place), cut(name, LONGEST_LABEL)) for place, name in enumerate(names) if place % every == 0]


def short(value: float) -> str:
    """A number at an axis."""
    size = abs(value)
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            scale = 1e3 if letter == "k" else limit
            return f"{value / scale:g}{letter}".replace("-", MINUS)
    return f"{round(value, 10):g}".replace("-", MINUS) if size >= 1e-4 or not size else figure(value)


def within(value: float, domain: tuple[float, float], start: float, end: float) -> float:
    """Where a value of a range lies between two coordinates."""
    low, high = domain
    share = (value - low) / (high - low) if high > low else 0.5
    return start + (end - start) * share
