"""Metrics are scikit-learn's, each with its direction."""

import numpy as np
import pytest
from sklearn import metrics as sk

from keystage.search.metrics import METRICS
from keystage.search.spec import MetricName

RNG = np.random.default_rng(5)
TWO = RNG.integers(0, 2, 80)
TWO_P = np.column_stack([1 - (p := np.clip(TWO * 0.4 + RNG.random(80) * 0.6, 0.01, 0.99)), p])
THREE = RNG.integers(0, 3, 90)
THREE_P = (raw := RNG.random((90, 3)) + np.eye(3)[THREE]) / raw.sum(axis=1, keepdims=True)


def test_every_metric_that_conf_may_name_is_defined() -> None:
    assert {name.value for name in MetricName} == set(METRICS)


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
