"""Test metrics and the tables behind the plots."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, recall_score, roc_auc_score

from keystage.data.spec import Task
from keystage.evaluation import plots
from keystage.evaluation.plots import MAX_POINTS, PLOT_COLUMNS, plot_tables
from keystage.evaluation.scores import Scored, metrics_for, scores
from keystage.search.metrics import METRICS as BY_TASK
from keystage.search.metrics import metric_of

METRICS = BY_TASK[Task.classification]
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 2, 3000)
P = np.clip(CODES * 0.2 + RNG.random(3000) * 0.8, 0, 1)
BOTH = np.column_stack([1 - P, P])


def _classified(truth: np.ndarray, predicted: np.ndarray, names: list, weights: np.ndarray | None = None) -> Scored:
    return Scored(Task.classification, truth, predicted, predicted.argmax(axis=1), weights, names)


TWO = _classified(CODES, BOTH, ["no", "yes"])


def test_all_metrics_are_scored_the_primary_one_first() -> None:
    metrics = metrics_for(TWO, metric_of("f1"))

    assert next(iter(metrics)) == "f1"
    assert set(scores(TWO, metrics)) == set(METRICS)


def test_ranking_metrics_lack_when_a_class_is_absent() -> None:
    one = _classified(np.zeros(5, dtype=int), BOTH[:5], ["no", "yes"])

    assert set(METRICS) - set(metrics_for(one, metric_of("log_loss"))) == {
        "roc_auc",
        "roc_auc_weighted",
        "average_precision",
        "average_precision_weighted",
    }


def test_a_model_is_judged_by_what_it_decides_for() -> None:
    eager = replace(TWO, decided=(P > 0.3).astype("int64"))  # as with a threshold of its own

    found = scores(eager, metrics_for(eager, metric_of("f1")))

    assert found["recall"] == recall_score(CODES, P > 0.3)
    assert found["roc_auc"] == roc_auc_score(CODES, P)


def test_rows_count_by_their_weights() -> None:
    weights = RNG.integers(0, 3, 3000)
    repeated = TWO.at(np.repeat(np.arange(3000), weights))
    weighted = replace(TWO, weights=weights.astype("float64"))
    metrics = metrics_for(TWO, metric_of("f1"))

    assert scores(weighted, metrics) == pytest.approx(scores(repeated, metrics))
    by_weight, by_rows = plot_tables(weighted, 0), plot_tables(repeated, 0)
    for name, x, y in (("roc", "false_positive_rate", "true_positive_rate"), ("gains", "share", "found")):
        grid = np.linspace(0, 1, 50)
        curves = [np.interp(grid, table[name][x], table[name][y]) for table in (by_weight, by_rows)]
        assert np.abs(curves[0] - curves[1]).max() < 0.01


def test_curves_are_thinned_without_losing_their_shape() -> None:
    roc = plot_tables(TWO, 0)["roc"]

    assert len(roc) <= MAX_POINTS
    assert roc[["false_positive_rate", "true_positive_rate"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    area = auc(roc["false_positive_rate"], roc["true_positive_rate"])
    assert abs(area - roc_auc_score(CODES, P)) < 1e-3


def test_two_classes_have_one_curve_and_three_have_three() -> None:
    codes = RNG.integers(0, 3, 300)
    three = RNG.dirichlet([1, 1, 1], 300)

    assert set(plot_tables(TWO, 0)["roc"]["class"]) == {"yes"}
    assert set(plot_tables(_classified(codes, three, ["a", "b", "c"]), 0)["calibration"]["class"]) == {"a", "b", "c"}


def test_gains_and_lift_say_what_the_surest_rows_hold() -> None:
    tables = plot_tables(TWO, 0)
    surest = np.argsort(-P)[:300]

    found = tables["gains"].set_index("share")["found"]
    assert found[0.1] == pytest.approx(CODES[surest].sum() / CODES.sum(), abs=1e-9)
    assert (found[0.0], found[1.0]) == (0, 1)
    assert tables["lift"].set_index("share")["lift"][0.1] == pytest.approx(CODES[surest].mean() / CODES.mean())


def test_equal_probabilities_have_no_order() -> None:
    flat = _classified(CODES, np.full((3000, 2), 0.5), ["no", "yes"])

    gains = plot_tables(flat, 0)["gains"]

    assert np.allclose(gains["share"], gains["found"])


def test_calibration_is_scikit_learns() -> None:
    observed, predicted = calibration_curve(CODES, P, n_bins=10, strategy="quantile")

    table = plot_tables(TWO, 0)["calibration"]

    assert np.allclose(table["observed"], observed, atol=0.02)
    assert np.allclose(table["predicted"], predicted, atol=0.02)
    assert table["rows"].sum() == 3000


def test_the_histogram_counts_each_row_once() -> None:
    histogram = plot_tables(TWO, 0)["scores"]

    assert histogram.groupby("actual")["rows"].sum().to_dict() == {
        "of the class": CODES.sum(),
        "others": 3000 - CODES.sum(),
    }


def test_the_confusion_table_has_a_row_per_prediction_in_the_labels_words(monkeypatch: pytest.MonkeyPatch) -> None:
    confusion = plot_tables(TWO, 0)["confusion"]

    assert len(confusion) == len(CODES)
    hits = ((confusion["actual"] == "yes") & (confusion["predicted"] == "yes")).sum()
    assert hits == ((CODES == 1) & (P > 0.5)).sum()
    monkeypatch.setattr(plots, "MAX_DECISIONS", 100)
    assert len(plot_tables(TWO, 0)["confusion"]) == 100


def test_numbers_have_their_residuals_drawn_and_no_curves() -> None:
    truth = RNG.normal(size=2000)
    scored = Scored(Task.regression, truth, truth + 1.0)
    tables = plot_tables(scored, 0)

    assert set(scores(scored, metrics_for(scored, metric_of("r2")))) == set(BY_TASK[Task.regression])
    assert len(tables["roc"]) == 0
    assert len(tables["residuals"]) <= MAX_POINTS
    assert np.allclose(tables["residuals"]["residual"], -1.0)
    for drawn in (tables, plot_tables(TWO, 0)):
        assert {name: set(columns) <= set(drawn[name].columns) for name, columns in PLOT_COLUMNS.items()} == (
            dict.fromkeys(PLOT_COLUMNS, True)
        )
