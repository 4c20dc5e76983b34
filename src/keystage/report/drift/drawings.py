"""Two distributions over each other, small enough for a card."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 240, 78
TOP = 6


def overlaid(name: str, baseline: Sequence[float], target: Sequence[float], ends: tuple[str, str]) -> Markup:
    """Shares of the baseline as bars and of the target as a line of steps, on one scale.

    Args:
        name: what is drawn, for people who hear it.
        baseline: n shares.
        target: n shares.
        ends: of the axis.
    """
    highest = max([*baseline, *target], default=0.0) or 1.0
    wide = WIDTH / max(len(baseline), 1)

    def y(share: float) -> float:
        return HEIGHT - (HEIGHT - TOP) * share / highest

    bars = Markup("").join(
        Markup('<rect class="bar s0" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            place * wide, y(share), max(wide - 0.8, 0.5), HEIGHT - y(share)
        )
        for place, share in enumerate(baseline)
    )
    steps = " ".join(
        f"{place * wide:.1f},{y(share):.1f} {(place + 1) * wide:.1f},{y(share):.1f}"
        for place, share in enumerate(target)
    )
    outline = f"0,{HEIGHT} {steps} {WIDTH},{HEIGHT}"
    return Markup(
        '<svg class="overlaid" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{name}">'
        '<title>{name}</title>{bars}<polyline class="band s1" points="{steps}"/>'
        '<polyline class="line s1" vector-effect="non-scaling-stroke" points="{steps}"/>'
        '<line class="axis" x1="0" x2="{w}" y1="{h}" y2="{h}"/></svg>'
        '<p class="ends"><span>{a}</span><span>{b}</span></p>'
    ).format(w=WIDTH, h=HEIGHT, name=name, bars=bars, steps=outline, a=ends[0], b=ends[1])
