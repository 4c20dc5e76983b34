"""Test metrics and the tables behind the plots."""

import numpy as np
from sklearn.metrics import auc, roc_auc_score

from keystage.data.spec import Task
from keystage.evaluation.scores import MAX_POINTS, PLOT_COLUMNS, plot_tables, scores
from keystage.search.metrics import METRICS as BY_TASK

METRICS = BY_TASK[Task.classification]
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 2, 3000)
P = np.clip(CODES * 0.2 + RNG.random(3000) * 0.8, 0, 1)
BOTH = np.column_stack([1 - P, P])


def test_all_metrics_are_scored() -> None:
    assert set(scores(Task.classification, CODES, BOTH)) == set(METRICS)


def test_ranking_metrics_lack_when_a_class_is_absent() -> None:
    assert set(METRICS) - set(scores(Task.classification, np.zeros(5, dtype=int), BOTH[:5])) == {
        "roc_auc",
        "roc_auc_weighted",
        "average_precision",
        "average_precision_weighted",
    }


def test_curves_are_thinned_without_losing_their_shape() -> None:
    roc = plot_tables(CODES, BOTH, ["no", "yes"])["roc"]

    assert len(roc) <= MAX_POINTS
    assert roc[["false_positive_rate", "true_positive_rate"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    area = auc(roc["false_positive_rate"], roc["true_positive_rate"])
    assert abs(area - roc_auc_score(CODES, P)) < 1e-3


def test_two_classes_have_one_curve_and_three_have_three() -> None:
    codes = RNG.integers(0, 3, 300)
    three = RNG.dirichlet([1, 1, 1], 300)

    assert set(plot_tables(CODES, BOTH, [0, 1])["roc"]["class"]) == {"1"}
    assert set(plot_tables(codes, three, ["a", "b", "c"])["calibration"]["class"]) == {"a", "b", "c"}


def test_the_confusion_table_has_a_row_per_prediction_in_the_labels_words() -> None:
    confusion = plot_tables(CODES, BOTH, ["no", "yes"])["confusion"]

    assert len(confusion) == len(CODES)
    hits = ((confusion["actual"] == "yes") & (confusion["predicted"] == "yes")).sum()
    assert hits == ((CODES == 1) & (P > 0.5)).sum()


def test_numbers_have_their_residuals_drawn_and_no_curves() -> None:
    truth = RNG.normal(size=2000)
    tables = plot_tables(truth, truth + 1.0, [])

    assert set(scores(Task.regression, truth, truth + 1.0)) == set(BY_TASK[Task.regression])
    assert len(tables["roc"]) == 0
    assert len(tables["residuals"]) <= MAX_POINTS
    assert np.allclose(tables["residuals"]["residual"], -1.0)
    assert {name: set(columns) <= set(tables[name].columns) for name, columns in PLOT_COLUMNS.items()} == dict.fromkeys(
        PLOT_COLUMNS, True
    )
