"""The page of a real run, and one with all that a page can tell, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browser import Page, browser, needs_chromium
from tests.conftest import Project
from tests.material import EVIL, everything

from keystage.report.page import page as page_of

PHONE = 390  # pixels
_ROWS = "[...document.querySelectorAll('#leaderboard tbody tr')].map(row => row.cells[1].textContent)"
_SEEN = """[...document.querySelectorAll('svg')].every(drawing => {
  const box = drawing.getBoundingClientRect();
  return box.width > 60 && box.height >= 5 && drawing.querySelector('polyline, circle, rect');
})"""
# Contrast of WCAG 2: of each text with what is painted behind it, where that is one colour.
_CONTRAST = """(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour.startsWith('color')) return null;
      const parts = parse(colour);
      if (parts.length === 3 || parts[3] === 1) return parts;
    }
  };
  let checked = 0, worst = 21, where = '';
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    const back = own && behind(element);
    if (!back || style.opacity !== '1' || ['SCRIPT', 'TITLE'].includes(element.tagName.toUpperCase())) continue;
    const ink = parse(element instanceof SVGElement ? style.fill : style.color);
    const [high, low] = [light(ink), light(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    checked += 1;
    if (ratio < worst) [worst, where] = [ratio, element.outerHTML.slice(0, 120)];
  }
  return [checked, worst, where];
})()"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as shown:
        yield shown


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rich") / "report.html"
    path.write_text(page_of(everything()), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["a real run", "everything"])
def report(request: pytest.FixtureRequest, finished: Project, rich: Path) -> Path:
    return finished.root / "reports" / "report.html" if request.param == "a real run" else rich


@needs_chromium
def test_the_page_loads_without_a_complaint_and_without_the_network(tab: Page, report: Path) -> None:
    tab.complaints.clear()
    tab.requests.clear()

    tab.open(report)

    assert tab.complaints == []
    assert tab.requests == [report.as_uri()]
    assert tab.js("document.querySelectorAll('svg').length") > 4
    assert tab.js(_SEEN), "each drawing has a size and a mark"


@needs_chromium
@pytest.mark.parametrize("width", [PHONE, 1280])
def test_nothing_is_wider_than_the_window(tab: Page, report: Path, width: int) -> None:
    tab.open(report, width=width)

    assert tab.js("innerWidth") == width
    assert tab.js("document.documentElement.scrollWidth") <= width


@needs_chromium
def test_tables_sort_by_mouse_and_by_keyboard(tab: Page, rich: Path) -> None:
    tab.open(rich)
    head = "#leaderboard thead th:nth-child(2)"
    assert tab.js(_ROWS) == ["9", "1", "2"]

    tab.click(f"{head} button")
    assert tab.js(_ROWS) == ["1", "2", "9"]
    assert tab.js(f"document.querySelector('{head}').ariaSort") == "ascending"
    assert tab.js("document.querySelectorAll('#leaderboard [aria-sort]').length") == 1

    tab.press("Enter")
    assert tab.js(_ROWS) == ["9", "2", "1"]
    assert tab.js(f"document.querySelector('{head}').ariaSort") == "descending"

    tab.click("#leaderboard thead th:nth-child(4) button")
    assert tab.js(_ROWS) == ["1", "9", "2"], "what has no score stays below"


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(tab: Page, rich: Path, scheme: str) -> None:
    tab.colours(scheme)
    tab.open(rich)

    checked, worst, where = tab.js(_CONTRAST)

    assert checked > 200
    assert worst >= 4.5, where


@needs_chromium
def test_a_name_that_is_markup_is_shown_as_it_is(tab: Page, rich: Path) -> None:
    tab.open(rich)

    assert EVIL in tab.js("document.body.innerText")
    assert tab.js("document.querySelectorAll('script').length") == 1


def test_a_run_leaves_a_page_and_a_card_without_a_moment_or_a_machine(finished: Project) -> None:
    reports = finished.root / "reports"
    told = json.loads((reports / "model_card.json").read_text(encoding="utf-8"))
    texts = [(reports / name).read_text(encoding="utf-8") for name in ("report.html", "model_card.md")]
    record = json.loads((finished.root / "artifacts/records/report.json").read_text(encoding="utf-8"))

    assert told["data"]["files"]["Titanic.csv"]["md5"] == "bc2c6ec5b97fbcea0edb021514bbf5b6"
    assert told["metrics"]["roc_auc"]["value"] > 0.8
    assert "OpenML" in told["data"]["licence"]
    assert told["settings"]["automl"]["max_trials"] == 3
    for text in (*texts, json.dumps(told)):
        assert "keystage lineage TitanicSurvivalInitial@VERSION" in text
        assert str(finished.root) not in text
        assert record["git_commit"].removesuffix("-dirty") not in text
        assert record["ended"][:10] not in text
