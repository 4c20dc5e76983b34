"""A lineage as one SVG file that needs nothing else: what goes in on the left, stage by stage on the right."""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import islice

from keystage.core.errors import MAX_LISTED
from keystage.registry import telling
from keystage.registry.lineage import Lineage, Reuse, StageLineage

# Pixels.
MARGIN, GAP, BETWEEN = 40, 56, 28  # around all; between the columns; between the cards of a column
LEFT, RIGHT = 400, 500
WIDTH = MARGIN + LEFT + GAP + RIGHT + MARGIN
PADDING, LINE, HEAD = 18, 22, 30
CHARACTER = 7.6  # of 13-pixel text, in a wide font: no text may leave its card
HEAD_CHARACTER, TITLE_CHARACTER = 10.0, 15.5
DIGEST = 104  # room of a short digest in fixed-width text

_INK, _QUIET, _LINE = "#1f2933", "#52606d", "#9aa5b1"
_STYLE = f"""
  text {{ font: 13px Helvetica, Arial, 'Liberation Sans', sans-serif; fill: {_INK}; }}
  .title {{ font-size: 24px; font-weight: bold; }}
  .head {{ font-size: 15px; font-weight: bold; }}
  .quiet {{ fill: {_QUIET}; }}
  .digest {{ font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 12px; fill: {_QUIET}; }}
  .mark {{ font-size: 12px; font-weight: bold; }}
  .arrow {{ stroke: {_LINE}; stroke-width: 2; fill: none; marker-end: url(#tip); }}
"""
_HEAD = f"""<defs>
  <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
    <path d="M0 0 L8 4 L0 8 z" fill="{_LINE}"/>
  </marker>
</defs>
<style>{_STYLE}</style>"""


@dataclass(frozen=True)
class _Line:
    """Text on the left, a digest on the right; a long text is cut in its middle, and whole in the tooltip."""

    text: str
    digest: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class _Card:
    """A box with a title, a mark, and lines."""

    title: str
    lines: tuple[_Line, ...]
    width: int
    fill: str
    edge: str
    mark: str = ""

    @property
    def height(self) -> int:
        return PADDING + HEAD + LINE * len(self.lines) + PADDING - 8

    def at(self, x: int, y: int) -> Iterable[str]:
        box = f'width="{self.width}" height="{self.height}" rx="10" fill="{self.fill}" stroke="{self.edge}"'
        yield f'<rect x="{x}" y="{y}" {box} stroke-width="1.5"/>'
        wide = int(len(self.mark) * CHARACTER) + 20 if self.mark else 0
        title = _cut(self.title, self.width - 2 * PADDING - wide, HEAD_CHARACTER)
        yield _text(x + PADDING, y + PADDING + 14, title, "head", whole=self.title)
        if self.mark:
            left = x + self.width - PADDING - wide
            yield f'<rect x="{left}" y="{y + PADDING - 2}" width="{wide}" height="22" rx="11" fill="{self.edge}"/>'
            middle = 'text-anchor="middle" style="fill: white"'
            yield _text(left + wide // 2, y + PADDING + 13, self.mark, "mark", middle)
        for number, line in enumerate(self.lines):
            down = y + PADDING + HEAD + LINE * number + 14
            room = self.width - 2 * PADDING - (DIGEST if line.digest else 0)
            yield _text(x + PADDING, down, _cut(line.text, room), "quiet" if line.quiet else "", whole=line.text)
            if line.digest:
                yield _text(x + self.width - PADDING, down, line.digest, "digest", 'text-anchor="end"')


def draw(version: str, lineage: Lineage, reuse: Mapping[str, Reuse]) -> str:
    """The text of an SVG file.

    Args:
        version: MODEL@NUMBER.
        lineage: of it.
        reuse: who reused what, by stage.
    """
    stages = {stage.name: stage for stage in lineage.stages if stage.record}
    inputs = {"dataprep": [_data(lineage), _recipe(lineage)], "train": [_search(lineage)]}
    y = MARGIN + 126
    body = [*_title(version, lineage)]
    for stage in stages.values():
        card, beside = _stage(stage, reuse[stage.name]), inputs.get(stage.name, [])
        body += card.at(MARGIN + LEFT + GAP, y)
        below = y
        for item in beside:
            body += item.at(MARGIN, below)
            into = min(below + item.height // 2, y + card.height - PADDING)
            body.append(_arrow(MARGIN + LEFT, below + item.height // 2, MARGIN + LEFT + GAP, into))
            below += item.height + BETWEEN
        bottom = max(y + card.height + BETWEEN, below)
        body.append(_arrow(_MIDDLE, y + card.height, _MIDDLE, bottom))
        y = bottom
    last = _version(version, lineage)
    body += last.at(MARGIN + LEFT + GAP, y)
    height = y + last.height + MARGIN
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{height}"'
            f' viewBox="0 0 {WIDTH} {height}">',
            f"<title>{escape(f'Where {version} comes from')}</title>",
            _HEAD,
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            *body,
            "</svg>\n",
        )
    )


_MIDDLE = MARGIN + LEFT + GAP + RIGHT // 2


def _title(version: str, lineage: Lineage) -> Iterable[str]:
    yield _text(MARGIN, MARGIN + 20, _cut(version, WIDTH - 2 * MARGIN, TITLE_CHARACTER), "title", whole=version)
    lines = (telling.state(lineage), telling.settings(lineage), telling.packages(lineage))
    for number, line in enumerate(lines):
        cut = _cut(line, WIDTH - 2 * MARGIN)
        yield _text(MARGIN, MARGIN + 50 + LINE * number, cut, "quiet", whole=line)


def _data(lineage: Lineage) -> _Card:
    told = lineage.dataset
    files = [_Line(name, telling.short(md5)) for name, md5 in islice(telling.files(lineage).items(), MAX_LISTED)]
    more = len(lineage.files) - len(files)
    every = _Line(
        f"and {more} more; all together" if more else "all together", telling.short(lineage.data_digest), quiet=True
    )
    about = _Line(f"in {told['path']}, label {told['label']}", quiet=True)
    return _Card(f"data: {told['name']}", (*files, every, about), LEFT, "#fff8e6", "#b7791f")


def _recipe(lineage: Lineage) -> _Card:
    kept = _Line(f"{telling.kept(lineage)} are kept for the test", quiet=True)
    return _Card("recipe", (*_wrapped(telling.recipe(lineage), LEFT), kept), LEFT, "#f5f7fa", "#52606d")


def _search(lineage: Lineage) -> _Card:
    return _Card("search", _wrapped([telling.search(lineage)], LEFT), LEFT, "#f5f7fa", "#52606d")


def _stage(stage: StageLineage, reuse: Reuse) -> _Card:
    outs = [_Line(path, telling.short(md5)) for path, md5 in stage.outs.items()]
    about = _wrapped([*telling.made(stage), telling.same(reuse)], RIGHT, quiet=True)
    fill, edge = ("#eaf2fd", "#2b6cb0") if reuse.reused else ("#eaf7ee", "#276749")
    return _Card(stage.name, (*outs, *about), RIGHT, fill, edge, mark=telling.outcome(reuse))


def _version(version: str, lineage: Lineage) -> _Card:
    model = next(md5 for stage in lineage.stages for path, md5 in stage.outs.items() if path.endswith("model.pkl"))
    lines = (_Line("model", telling.short(model)), *_wrapped(telling.scores(lineage), RIGHT))
    return _Card(version, lines, RIGHT, "#f3ebfb", "#6b46c1")


def _wrapped(texts: Iterable[str], width: int, *, quiet: bool = False) -> tuple[_Line, ...]:
    room = int((width - 2 * PADDING) / CHARACTER)
    lines = (line for text in texts for line in textwrap.wrap(text, room, break_on_hyphens=False))
    return tuple(_Line(line, quiet=quiet) for line in lines)


def _cut(text: str, room: int, character: float = CHARACTER) -> str:
    """Text that fits, its middle left out when it must: the end of a path tells more than its middle."""
    most = int(room / character)
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _text(x: int, y: int, text: str, kind: str = "", more: str = "", *, whole: str = "") -> str:
    tooltip = f"<title>{escape(whole)}</title>" if whole not in ("", text) else ""
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{named} {more}>{tooltip}{escape(text)}</text>'


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    middle = (x1 + x2) // 2
    path = f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}" if x1 != x2 else f"M{x1} {y1} L{x2} {y2}"
    return f'<path class="arrow" d="{path}"/>'
