"""Metrics are scikit-learn's, each with its direction."""

import numpy as np
import pytest
from sklearn import metrics as sk

from keystage.core.errors import ExtensionError
from keystage.data.spec import Task
from keystage.search.metrics import METRICS as BY_TASK
from keystage.search.metrics import metric_of
from keystage.search.names import AZURE_METRIC_NAMES, METRIC_NAMES

METRICS = BY_TASK[Task.classification]
RNG = np.random.default_rng(5)
TWO = RNG.integers(0, 2, 80)
TWO_P = np.column_stack([1 - (p := np.clip(TWO * 0.4 + RNG.random(80) * 0.6, 0.01, 0.99)), p])
THREE = RNG.integers(0, 3, 90)
THREE_P = (raw := RNG.random((90, 3)) + np.eye(3)[THREE]) / raw.sum(axis=1, keepdims=True)


def test_every_metric_that_conf_may_name_is_defined() -> None:
    assert {task: set(names) for task, names in METRIC_NAMES.items()} == {
        task: set(metrics) for task, metrics in BY_TASK.items()
    }
    assert all(metric_of(theirs).name == ours for theirs, ours in AZURE_METRIC_NAMES.items())


@pytest.mark.parametrize(("codes", "probabilities"), [(TWO, TWO_P), (THREE, THREE_P)])
def test_weighted_metrics_weigh_each_class_by_its_share_as_azure_does(
    codes: np.ndarray, probabilities: np.ndarray
) -> None:
    share = np.bincount(codes) / len(codes)
    one_against_rest = [
        (
            sk.roc_auc_score(codes == code, probabilities[:, code]),
            sk.average_precision_score(codes == code, probabilities[:, code]),
            sk.precision_score(codes == code, probabilities.argmax(axis=1) == code),
            sk.f1_score(codes == code, probabilities.argmax(axis=1) == code),
        )
        for code in range(len(share))
    ]
    auc, average_precision, precision, f1 = share @ np.array(one_against_rest)

    assert METRICS["roc_auc_weighted"].score(codes, probabilities) == pytest.approx(auc)
    assert METRICS["average_precision_weighted"].score(codes, probabilities) == pytest.approx(average_precision)
    assert METRICS["precision_weighted"].score(codes, probabilities) == pytest.approx(precision)
    assert METRICS["f1_weighted"].score(codes, probabilities) == pytest.approx(f1)


def test_norm_macro_recall_is_0_for_guessing_and_1_for_perfect() -> None:
    norm = METRICS["norm_macro_recall"].score
    recall = sk.balanced_accuracy_score(THREE, THREE_P.argmax(axis=1))

    assert norm(THREE, THREE_P) == pytest.approx((recall - 1 / 3) / (2 / 3))
    assert norm(TWO, np.eye(2)[TWO]) == 1
    assert norm(TWO, np.eye(2)[1 - TWO]) == 0
    assert norm(TWO, np.tile([0.4, 0.6], (len(TWO), 1))) == 0


def test_a_metric_of_your_own_is_loaded_with_its_direction() -> None:
    cost = metric_of("project.metrics:cost")

    assert cost.score(np.array([1, 0, 1, 1]), np.eye(2)[[0, 1, 1, 1]]) == (5 + 1) / 4
    assert cost.loss(2.0) == 2.0
    with pytest.raises(ExtensionError, match="has no function 'costs'"):
        metric_of("project.metrics:costs")


def test_two_class_metrics_take_the_second_class_as_positive() -> None:
    assert METRICS["roc_auc"].score(TWO, TWO_P) == sk.roc_auc_score(TWO, TWO_P[:, 1])
    assert METRICS["average_precision"].score(TWO, TWO_P) == sk.average_precision_score(TWO, TWO_P[:, 1])
    assert METRICS["log_loss"].score(TWO, TWO_P) == pytest.approx(sk.log_loss(TWO, TWO_P[:, 1]))
    assert METRICS["f1"].score(TWO, TWO_P) == sk.f1_score(TWO, TWO_P[:, 1] > 0.5)


def test_metrics_of_more_classes_are_means_over_the_classes() -> None:
    expected = np.mean([sk.roc_auc_score(code == THREE, THREE_P[:, code]) for code in range(3)])

    assert METRICS["roc_auc"].score(THREE, THREE_P) == pytest.approx(expected)
    assert METRICS["f1"].score(THREE, THREE_P) == sk.f1_score(THREE, THREE_P.argmax(axis=1), average="macro")


@pytest.mark.parametrize("name", METRICS)
def test_a_better_model_has_a_smaller_loss(name: str) -> None:
    metric = METRICS[name]
    good, bad = np.eye(2)[TWO] * 0.98 + 0.01, np.eye(2)[1 - TWO] * 0.98 + 0.01

    assert metric.loss(metric.score(TWO, good)) < metric.loss(metric.score(TWO, bad))


VALUES = RNG.normal(10, 3, 60)


def test_metrics_of_numbers() -> None:
    near = VALUES + RNG.normal(0, 1, 60)
    score = {name: metric.score(VALUES, near) for name, metric in BY_TASK[Task.regression].items()}
    span = VALUES.max() - VALUES.min()

    assert score["rmse"] == pytest.approx(np.sqrt(np.mean((VALUES - near) ** 2)))
    assert score["r2"] == pytest.approx(1 - score["rmse"] ** 2 / VALUES.var())
    assert score["mae"] == pytest.approx(np.abs(VALUES - near).mean())
    assert score["mape"] == pytest.approx(np.mean(np.abs((VALUES - near) / VALUES)))
    assert score["normalized_rmse"] == pytest.approx(score["rmse"] / span)
    assert score["normalized_mae"] == pytest.approx(score["mae"] / span)
    ranks = [np.argsort(np.argsort(values)) for values in (VALUES, near)]
    assert score["spearman"] == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert BY_TASK[Task.regression]["spearman"].score(VALUES, np.full(60, 3.0)) == -1


@pytest.mark.parametrize("name", BY_TASK[Task.regression])
def test_nearer_numbers_have_a_smaller_loss(name: str) -> None:
    metric = BY_TASK[Task.regression][name]
    noise = RNG.normal(0, 1, 60)

    assert metric.loss(metric.score(VALUES, VALUES + noise)) < metric.loss(metric.score(VALUES, VALUES + 9 * noise))
