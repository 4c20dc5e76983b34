"""Bootstrap intervals, held to closed forms and to scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest

from keystage.data.spec import Task
from keystage.evaluation import intervals as module
from keystage.evaluation.intervals import Units, blocks_of, draw, intervals, units_of
from keystage.evaluation.resampled import Resampled
from keystage.evaluation.scores import Scored
from keystage.search.metrics import METRICS, metric_of

CLASSIFIERS, REGRESSORS = METRICS[Task.classification], METRICS[Task.regression]


def _classified(rows: int, classes: int, seed: int = 0, *, weighted: bool = False, coarse: bool = False) -> Scored:
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    predicted = random.dirichlet(np.ones(classes), rows) + 0.6 * np.eye(classes)[truth]
    if coarse:  # equal probabilities, as forests of few trees have them
        predicted = predicted.round(1) + 0.01
    predicted /= predicted.sum(axis=1, keepdims=True)
    weights = random.uniform(0.1, 3, rows) if weighted else None
    names = list(range(classes))
    return Scored(Task.classification, truth, predicted, predicted.argmax(axis=1), weights, names)


def _numbers(rows: int, seed: int = 0, *, weighted: bool = False) -> Scored:
    random = np.random.default_rng(seed)
    truth = random.normal(size=rows).round(1) + 0.05
    predicted = (truth + random.normal(size=rows)).round(1)
    return Scored(Task.regression, truth, predicted, weights=random.uniform(0.1, 3, rows) if weighted else None)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "kind", [(_classified, 2, False), (_classified, 2, True), (_classified, 4, True), (_numbers, 0, False)]
)
def test_each_resample_is_scored_as_scikit_learn_scores_its_rows(kind: tuple, weighted: bool) -> None:
    make, classes, coarse = kind
    scored = make(80, classes, weighted=weighted, coarse=coarse) if classes else make(80, weighted=weighted)
    metrics = CLASSIFIERS if classes else {**REGRESSORS, "quantile_loss:0.9": metric_of("quantile_loss:0.9")}
    counts = draw(Units(), 80, 5, np.random.default_rng(1))

    found = Resampled(scored, counts).scores(metrics.values())

    for number, drawn in enumerate(counts):
        part = scored.at(np.repeat(np.arange(80), drawn))
        expected = {name: part.score(metric) for name, metric in metrics.items()}
        assert {name: values[number] for name, values in found.items()} == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_interval_of_accuracy_is_the_binomial_one() -> None:
    scored = _classified(400, 2)
    accuracy = float((scored.truth == scored.decided).mean())

    low, high = intervals(scored, [CLASSIFIERS["accuracy"]], Units(), resamples=4000, level=0.95, seed=3).ends[
        "accuracy"
    ]

    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / 400)
    assert low == pytest.approx(accuracy - half, abs=0.006)
    assert high == pytest.approx(accuracy + half, abs=0.006)


def test_the_interval_of_the_auc_is_delongs() -> None:
    scored = _classified(300, 2, seed=5)
    ranks = scored.predicted[:, 1]
    positive, negative = ranks[scored.truth == 1], ranks[scored.truth == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    # DeLong, DeLong and Clarke-Pearson 1988: the variance of the mean over both sides
    variance = wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative)

    low, high = intervals(scored, [CLASSIFIERS["roc_auc"]], Units(), resamples=2000, level=0.95, seed=3).ends["roc_auc"]

    assert (low + high) / 2 == pytest.approx(wins.mean(), abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.1)


def test_the_interval_of_a_mean_error_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        scored = Scored(Task.regression, random.normal(size=100), np.zeros(100))
        low, high = intervals(scored, [REGRESSORS["mae"]], Units(), resamples=300, level=0.9, seed=0).ends["mae"]
        held += low < np.sqrt(2 / np.pi) < high

    assert 0.84 <= held / 200 <= 0.95


def test_rows_that_stand_and_fall_together_widen_the_interval() -> None:
    once = _classified(60, 2)
    rows = np.repeat(np.arange(60), 10)
    copied, groups = once.at(rows), units_of([f"patient {row}" for row in rows], "groups")
    metric, settings = [CLASSIFIERS["accuracy"]], {"resamples": 1000, "level": 0.95, "seed": 1}

    width = {
        name: float(np.diff(intervals(scored, metric, units, **settings).ends["accuracy"])[0])
        for name, scored, units in (
            ("once", once, Units()),
            ("groups", copied, groups),
            ("as if independent", copied, Units()),
        )
    }

    assert width["groups"] == pytest.approx(width["once"], rel=0.1)
    assert width["as if independent"] == pytest.approx(width["once"] / np.sqrt(10), rel=0.2)


def test_a_single_series_is_drawn_in_blocks_by_time() -> None:
    times = np.random.default_rng(0).permutation(27)

    counts = draw(blocks_of(times), 27, 200, np.random.default_rng(0))

    assert (counts.sum(axis=1) == 27).all()
    by_time = counts[:, np.argsort(times)]
    neighbours = np.mean([np.corrcoef(row, np.roll(row, 1))[0, 1] for row in by_time])
    assert neighbours > 0.4, "rows that follow each other come together"


def test_a_large_test_is_bounded_by_its_size_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    scored, metric = _classified(4000, 2), [CLASSIFIERS["roc_auc"], CLASSIFIERS["log_loss"]]
    settings = {"resamples": 1000, "level": 0.95, "seed": 1}
    whole = intervals(scored, metric, Units(), **settings)
    assert not whole.notes

    monkeypatch.setattr(module, "MAX_CELLS", 4000 * 500)
    fewer = intervals(scored, metric, Units(), **settings)
    monkeypatch.setattr(module, "MAX_CELLS", 4000 * 50)
    sampled = intervals(scored, metric, Units(), **settings)

    assert (fewer.resamples, sampled.resamples) == (500, module.FEWEST_RESAMPLES)
    assert "500 resamples instead of 1000" in fewer.notes[0]
    assert "1000 of the 4000 test rows" in sampled.notes[1]
    assert sampled.ends == intervals(scored, metric, Units(), **settings).ends
    for name, (low, high) in whole.ends.items():
        middle = scored.score(CLASSIFIERS[name])
        assert sampled.ends[name][1] - sampled.ends[name][0] == pytest.approx(high - low, rel=0.25)
        assert sampled.ends[name][0] < middle < sampled.ends[name][1]


def test_few_groups_and_absent_classes_are_said() -> None:
    scored = _classified(40, 2)
    few = intervals(
        scored, [CLASSIFIERS["f1"]], units_of(np.arange(40) % 4, "groups"), resamples=100, level=0.9, seed=1
    )
    assert few.notes == ["intervals stand on 4 groups only: they are narrower than they should be"]

    truth = np.zeros(40, dtype="int64")
    truth[0] = 1  # most resamples still have it; its curve needs it
    rare = intervals(replace(scored, truth=truth), [CLASSIFIERS["roc_auc"]], Units(), resamples=200, level=0.9, seed=1)
    assert None not in rare.ends["roc_auc"]

    none = intervals(scored, [CLASSIFIERS["f1"]], Units(), resamples=0, level=0.9, seed=1)
    assert (none.ends, none.method) == ({"f1": (None, None)}, "none")
