"""The page and the card, from material made by hand."""

import json
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.material import EVALUATION, EVIL, SETTINGS, everything

from keystage.report.card import card, markdown, plain
from keystage.report.limits import limits
from keystage.report.material import Material, Score
from keystage.report.page import page
from keystage.report.summary import summary, verdict
from keystage.report.svg import span, ticks
from keystage.report.words import figure, percent, title


class _Outline(HTMLParser):
    """Headings, drawings and tables of a page, and tags that were not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.unnamed: list[dict[str, str | None]] = []
        self.scripts = 0
        self.tables = self.captions = self.headers = self.scoped = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "svg" and not (found.get("aria-label") and found.get("role") == "img"):
            self.unnamed.append(found)
        self.scripts += tag == "script"
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.headers += tag == "th"
        self.scoped += tag == "th" and "scope" in found


def test_the_page_has_headings_in_order_and_names_for_drawings_and_tables() -> None:
    text = page(everything())
    told = _Outline(text)

    assert text.startswith("<!doctype html>\n")
    assert '<html lang="en">' in text
    assert told.headings[0] == told.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(told.headings, told.headings[1:], strict=False))
    assert not told.unnamed
    assert text.count("<svg") == text.count("<title>") - 1
    assert told.tables == told.captions > 10
    assert told.headers == told.scoped


def test_guardrails_that_are_not_looked_at_are_named() -> None:
    told = everything()
    skipping = replace(told, data={**told.data, "guardrails_skipped": ["near_constant", "leaking"]})

    assert "Not looked at, as dataset.guardrails says: near constant, leaking" in page(skipping)


def test_names_and_cells_are_text_whatever_they_say() -> None:
    text, told = page(everything()), markdown(card(everything()))

    assert _Outline(text).scripts == 1  # the one that sorts tables
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<b>well</b>" not in text
    assert "<script>" not in told.replace(r"\<script\>", "")
    rows = [line for line in told.splitlines() if plain(EVIL) in line and line.startswith("|")]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (3, 4, 5) for row in rows), "no cell has made another"


def test_rows_that_the_declaration_left_out_are_counted_on_the_page() -> None:
    made = everything()
    data = {**made.data, "rows": {**made.data["rows"], "left_out_by_where": 1234}}

    assert "1,234 left out by <code>dataset.rows</code> (where)." in page(everything(data=data))
    assert "dataset.rows" not in page(made)


def test_the_hyperparameters_that_made_the_difference_are_on_the_page() -> None:
    shares = {"alpha": 0.625, "width": 0.25, "layers": 0.1, "max_iter": 0.025}
    told = {"mlp": {"trials": 30, "importance": shares}, "svm": {"trials": 21, "note": "its trials do not differ"}}
    made = everything()

    shown = page(everything(model={**made.model, "hyperparameters": {"estimators": told}}))

    assert f"<strong>mlp</strong> alpha {percent(0.625)}, width {percent(0.25)}, layers {percent(0.1)}." in shown
    assert "made the difference" not in page(made)


def test_the_page_stands_alone() -> None:
    links = re.findall(r'(?:src|href)="([^"]*)"', page(everything()))

    assert len(links) > 8
    assert all(link.startswith(("#", "data:,")) for link in links)
    assert "http" not in page(everything())
    assert "url(" not in page(everything())


def test_equal_material_gives_equal_bytes() -> None:
    assert page(everything()) == page(everything())
    assert json.dumps(card(everything())) == json.dumps(card(everything()))


@pytest.mark.parametrize("part", [item.name for item in fields(Material) if item.name != "settings"])
def test_a_part_that_is_not_there_is_told_so(part: str) -> None:
    empty: Any = () if part in ("course", "board") else "" if part == "environment_digest" else {}

    assert "</html>" in page(everything(**{part: empty}))
    assert markdown(card(everything(**{part: empty})))


def test_with_nothing_there_the_page_says_what_would_write_it() -> None:
    text = page(Material(settings=SETTINGS))

    for said in ("Guardrails: not there", "Trials: not there", "Scores: not there", "Importances: not there"):
        assert said in text
    assert [line.answer for line in summary(Material(settings=SETTINGS))][1:4] == [
        "It has not been scored on test rows.",
        "Not told.",
        "Not computed.",
    ]


def test_scores_without_an_evaluation_come_from_the_metrics() -> None:
    material = everything(evaluation={}, metrics={"test": {"r2": 0.5, "rows": 9}, "baseline": {"r2": 0.1, "rows": 9}})

    assert material.scores == {"r2": Score(0.5, baseline=0.1)}
    assert material.test_rows == 9
    assert verdict(material) == "beside the baseline"


def test_what_is_not_defined_on_the_test_rows_is_left_out() -> None:
    holes = {
        **EVALUATION,
        "metrics": {
            "roc_auc": {"value": None, "low": None, "high": None, "baseline": None, "greater_is_better": True},
            "accuracy": {**EVALUATION["metrics"]["accuracy"], "low": float("nan"), "high": float("nan")},
        },
        "per_class": [{**EVALUATION["per_class"][0], "f1": None, "precision": None}],
    }
    material = everything(evaluation=holes)

    assert list(material.scores) == ["accuracy"]
    assert material.scores["accuracy"].low is None
    assert not re.search(r"\bnan\b", page(material))


def test_five_lines_that_a_manager_understands() -> None:
    what, how_good, rows, drivers, beware = (line.answer for line in summary(everything()))

    assert what == "For each row the class of Survived: lived & <b>well</b> or died, with a probability. Who survived."
    assert how_good == (
        "Clearly better than the most frequent class: ROC AUC 0.850 (with 95% confidence 0.810 to 0.900), where the "
        "most frequent class alone gives 0.500. "
        "Shown two rows that differ in Survived, it puts them in the right order 85 times out of 100."
    )
    assert rows == (
        "Learnt from 1,047 rows, judged on 262 rows that it had never seen, drawn at random. 1 row without Survived "
        "was left out."
    )
    assert drivers == "Most of all Sex, then Age. With Sex shuffled, ROC AUC is worse by 0.170."
    assert beware.startswith(f"Guardrail 'leakage' failed for {EVIL}: It says the label.")


def test_numbers_and_forecasts_have_their_own_words() -> None:
    metrics = {"rmse": {"value": 4.3, "low": 4.0, "high": 4.6, "baseline": 9.1, "greater_is_better": False}}
    numbers = {**EVALUATION, "task": "regression", "classes": [], "metrics": metrics, "primary": "rmse"}
    dataset = {**SETTINGS["dataset"], "task": "forecasting", "forecast": {"horizon": 12}}
    told = summary(everything(evaluation=numbers, settings={**SETTINGS, "dataset": dataset}))

    assert told[0].answer == "The next 12 periods of Survived. Who survived."
    assert told[1].answer.startswith("Clearly better than the most frequent class: root mean squared error 4.300")
    assert told[1].answer.endswith("A typical error is 4.300.")


def test_limits_are_computed() -> None:
    said = "\n".join(limits(everything()))

    assert "The test has 262 rows only" in said
    assert "In cross-validation it came to 0.930, on the test to 0.850" in said
    assert "Classes are unequal: of died there are as few as 4.6% of rows." in said
    assert "It is weak on died: there F1 is below 0.5." in said
    assert "ROC AUC differs by 0.160 between" in said
    assert "female and" in said, "groups of few rows"
    assert said.endswith("One ship.")


def test_a_score_whose_interval_holds_the_baseline_is_not_called_better() -> None:
    worse = {**EVALUATION, "metrics": {"roc_auc": {**EVALUATION["metrics"]["roc_auc"], "baseline": 0.82}}}

    assert verdict(everything(evaluation=worse)) == "not shown to be better than the most frequent class"
    assert any("not shown to be better" in limit for limit in limits(everything(evaluation=worse)))
    assert Score(0.3, 0.2, 0.4, 0.5, greater_is_better=False).beats_baseline
    assert Score(0.3, 0.2, 0.6, 0.5, greater_is_better=False).beats_baseline is False


def test_the_drawings_of_numbers_and_of_a_forecast() -> None:
    points = [{"actual": str(x), "predicted": str(x + 1), "residual": "-1"} for x in range(900)]
    ahead = [
        {"time": f"2001-{month:02}-01", "actual": "1", "predicted": "1.5", "low": "1", "high": "2", "series": "a<b"}
        for month in range(1, 13)
    ]
    text = page(everything(plots={"predicted": points, "residuals": points, "forecast": ahead}))

    for name in ("Predicted against true", "Residuals", "Forecast of a&lt;b"):
        assert f"<title>{name}</title>" in text
    assert text.count("<circle") < 900
    assert "ROC AUC" in text
    assert "<title>ROC</title>" not in text


def test_the_card_names_data_settings_and_lock_and_no_moment() -> None:
    told = card(everything())

    assert told["data"]["files"] == {"a.csv": {"md5": "bc2c6ec5b97fbcea0edb021514bbf5b6"}}
    assert told["data"]["licence"] == "Public"
    assert told["metrics"]["roc_auc"]["baseline"] == 0.5
    assert next(iter(told["metrics"])) == told["primary_metric"] == "roc_auc"
    assert told["environment"] == {
        "digest": "ab" * 32,
        "packages": 2,
        "main": {"numpy": "2.0"},
        "not_locked": {"zipp": "2"},
    }
    assert told["settings"] == SETTINGS
    assert told["lineage"] == "keystage lineage Titanic@VERSION"
    assert json.loads(json.dumps(told)) == told


def test_numbers_are_written_as_people_do() -> None:
    numbers = [0.85614, 12345.6, 1309, 0.0, 41.254, 512.3292, -2.5, 3.1e-7, None, float("nan"), "S", 1e12]

    assert [figure(number) for number in numbers] == [
        "0.856",
        "12,346",
        "1,309",
        "0",
        "41.25",
        "512.3",
        "\N{MINUS SIGN}2.500",
        "3.1e\N{MINUS SIGN}07",
        "\N{EN DASH}",
        "\N{EN DASH}",
        "S",
        "1,000,000,000,000",
    ]
    assert [percent(share) for share in (0.5, 0.083, 0, 1)] == ["50%", "8.3%", "0%", "100%"]
    assert [title(name) for name in ("roc_auc_weighted", "quantile_loss:0.9", "project.metrics:profit")] == [
        "ROC AUC, weighted",
        "quantile loss at 0.9",
        "profit",
    ]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 7, [-2, 0, 2, 4, 6]), (0.84, 0.86, [0.84, 0.845, 0.85, 0.855, 0.86])],
)
def test_axes_have_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_range_of_one_value_or_none_can_be_drawn() -> None:
    assert span([5.0, 5.0]) == pytest.approx((2.3, 7.7))
    assert span([0.0]) == pytest.approx((-1.08, 1.08))
    assert span([]) == span([float("nan")]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("train_on", "said"), [("sample", "hat went on is"), ("all", "he recipe is fitted on the training rows of")]
)
def test_page_and_card_say_what_was_sampled(train_on: str, said: str) -> None:
    sample = {"rows": 1000, "of": 5000, "train_on": train_on, "is_all": False}
    whole, sampled = everything(), everything()
    profile = [entry | {"sampled": 1000} for entry in sampled.data["profile"]]
    sampled = replace(sampled, data=dict(sampled.data) | {"sample": sample, "profile": profile})

    assert f"{said} a sample of 1,000 of 5,000 rows" in page(sampled)
    assert "98 values at least" in page(sampled)
    assert "98 values" in page(whole)
    assert "98 values at least" not in page(whole)
    assert f"{said} a sample of 1000 of 5000 rows" in markdown(card(sampled))
    assert card(sampled)["data"]["sample"] == {"rows": 1000, "of": 5000, "train_on": train_on}
    assert "a sample of" not in page(whole) + markdown(card(whole))
    assert "sample" not in card(whole)["data"]
