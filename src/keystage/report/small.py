"""Drawings without axes, for the lines of a table and for cards."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from keystage.report.svg import within


def spark(name: str, heights: Sequence[float], says: str = "") -> Markup:
    """A histogram without axes, as wide as its place."""
    top = max(heights, default=0.0) or 1.0
    wide = 200 / max(len(heights), 1)
    bars = Markup("").join(
        Markup('<rect class="bar s0" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            place * wide, 44 - 42 * height / top, max(wide - 1, 0.5), 42 * height / top
        )
        for place, height in enumerate(heights)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 200 46" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<title>{}</title>{}<line class="axis" x1="0" x2="200" y1="45" y2="45"/></svg>'
    ).format(f"{name}. {says}".strip(), name, bars)


def gauge(
    name: str,
    domain: tuple[float, float],
    value: float,
    low: float | None,
    high: float | None,
    marker: float | None = None,
) -> Markup:
    """A value with its interval on a line, and a mark such as the baseline or the value of all rows."""

    def at(number: float) -> float:
        return within(min(max(number, domain[0]), domain[1]), domain, 8, 292)

    parts = [Markup('<line class="rail" x1="4" x2="296" y1="12" y2="12"/>')]
    if low is not None and high is not None:
        parts.append(
            Markup('<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="12" y2="12"/>').format(at(low), at(high))
        )
    if marker is not None:
        parts.append(Markup('<line class="marker" x1="{0:.1f}" x2="{0:.1f}" y1="2" y2="22"/>').format(at(marker)))
    parts.append(Markup('<circle class="dot s0" cx="{:.1f}" cy="12" r="6"/>').format(at(value)))
    return Markup(
        '<svg class="gauge" viewBox="0 0 300 24" role="img" aria-label="{0}"><title>{0}</title>{1}</svg>'
    ).format(name, Markup("").join(parts))


def strip(name: str, domain: tuple[float, float], values: Sequence[float]) -> Markup:
    """A dot for each value on a line; what is outside the range lies at its end."""
    low, high = domain
    dots = Markup("").join(
        Markup('<circle class="dot faint s0" cx="{:.1f}" cy="12" r="5"/>').format(
            within(min(max(value, low), high), domain, 8, 292)
        )
        for value in values
    )
    return Markup(
        '<svg class="gauge" viewBox="0 0 300 24" role="img" aria-label="{0}"><title>{0}</title>'
        '<line class="rail" x1="4" x2="296" y1="12" y2="12"/>{1}</svg>'
    ).format(name, dots)


def scaled(values: Sequence[float]) -> Callable[[float], float]:
    """Shares of the largest of values, for bars that are as wide as they are large; below 0 is 0."""
    top = max(values, default=0.0)
    return lambda value: max(value, 0.0) / top if top > 0 else 0.0
