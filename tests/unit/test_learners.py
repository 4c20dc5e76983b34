"""Each learner fits what a table can hold, from each of its starts and from where FLAML steps."""

import numpy as np
import pytest

from keystage.adapters.flaml_steps import FlamlSteps
from keystage.data.spec import Task
from keystage.search import many
from keystage.search.learners import forests
from keystage.search.learners.catalogue import LEARNERS, portfolio
from keystage.search.learners.learner import Choice, Learner, Sample, Setting, Validation
from keystage.search.metrics import METRICS, metric_of
from keystage.search.names import ESTIMATORS, NOT_HERE, QUANTILE_ESTIMATORS
from keystage.search.schedule import Schedule
from keystage.search.trials import FoldResult, Trial

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5))
X[:, 3] = 1.0  # constant
X[RNG.random(X.shape) < 0.1] = np.nan
X[:60, 4] = np.nan  # missing in all training rows
BY_TASK = [(name, task) for task, names in ESTIMATORS.items() for name in names]


def _target(classes: int) -> np.ndarray:
    number = np.nan_to_num(X[:, 0]) + RNG.normal(0, 0.1, 90)
    return np.digitize(number, np.quantile(number, np.linspace(0, 1, classes + 1)[1:-1])) if classes else number


@pytest.mark.parametrize(("name", "task"), BY_TASK)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a search ignores them, too
def test_a_learner_fits_missing_cells_and_constant_columns_from_each_of_its_starts(
    name: str, task: Task, *, weighted: bool
) -> None:
    learner = LEARNERS[name]
    for classes in (2, 3) if task is Task.classification else (0,):
        target = _target(classes)
        weights = RNG.random(90) if weighted and learner.weighs else None
        setting = Setting(task, "squared", 1, classes)
        sample = Sample(X, target, weights)
        training, watched = sample.at(slice(60)), Validation(sample.at(slice(60, None)))
        for point in learner.starts:
            model = learner.fit(setting, point, training, watched)
            again = learner.fit(setting, {**point, **learner.found(model)}, sample, None)
            for fitted in (model, again):
                said = fitted.predict_proba(X[60:]) if classes else fitted.predict(X[60:])
                assert said.shape == ((30, classes) if classes else (30,))
                assert np.isfinite(said).all()


@pytest.mark.parametrize("name", QUANTILE_ESTIMATORS)
def test_a_quantile_learner_predicts_the_quantile(name: str) -> None:
    features, target = RNG.normal(size=(400, 2)), RNG.normal(size=400)
    learner, setting = LEARNERS[name], Setting(Task.regression, "quantile", 1, 0, 0.9)
    sample = Sample(features, target)

    said = learner.fit(setting, learner.starts[0], sample, Validation(sample.at(slice(100)))).predict(features)

    assert (target < said).mean() == pytest.approx(0.9, abs=0.07)


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=lambda learner: learner.name)
def test_flaml_steps_from_a_start_stay_in_the_space_and_repeat(learner: Learner) -> None:
    walks = []
    for _ in range(2):
        steps = FlamlSteps(learner.space, learner.starts[0], 1.0, seed=3)
        walk = []
        for number in range(12):
            point = steps.ask()
            assert point is not None
            walk.append(point)
            steps.tell(point, 1.0 - 0.1 * (number % 3 == 0) * number)
        walks.append(walk)

    assert walks[0] == walks[1]
    assert any(point != learner.starts[0] for point in walks[0])
    for point in walks[0]:
        assert set(point) == set(learner.starts[0])
        for name, values in learner.space.items():
            if isinstance(values, Choice):
                assert point[name] in values.values
            else:
                assert values.low * 0.999 <= point[name] <= values.high * 1.001
                assert not values.integer or isinstance(point[name], int)


def test_every_name_of_the_catalogue_has_a_learner_and_every_start_its_turn() -> None:
    assert {name for names in ESTIMATORS.values() for name in names} == set(LEARNERS)
    assert not set(NOT_HERE) & set(LEARNERS)
    learners = [learner for learner in LEARNERS.values() if Task.classification in learner.tasks]
    starts = portfolio(learners)
    assert len(starts) == sum(len(learner.starts) for learner in learners)
    assert [learner.name for _, learner, _ in starts[:4]] == ["lgbm", "lrl2", "rf", "mlp"]
    assert [turn for turn, _, _ in starts] == sorted(turn for turn, _, _ in starts)
    for task, names in ESTIMATORS.items():
        assert all(task in LEARNERS[name].tasks for name in names)


def test_later_starts_of_better_learners_come_earlier_and_none_is_left_out() -> None:
    names = ["lgbm", "mlp", "svm", "xgb_limitdepth"]
    schedule = Schedule([LEARNERS[name] for name in names], metric_of("roc_auc"), 100, 4, 0, FlamlSteps)
    scores = {"lgbm": 0.6, "mlp": 0.9, "svm": 0.7, "xgb_limitdepth": 0.8}

    begun = [_asked(schedule, number, scores) for number in range(1, schedule.opening + 1)]

    assert sorted(begun[:4]) == names
    assert begun[4:8] == ["mlp", "xgb_limitdepth", "mlp", "svm"]  # second starts by place; the best has a third by then
    assert {name: begun.count(name) for name in names} == {name: len(LEARNERS[name].starts) for name in names}


def _asked(schedule: Schedule, number: int, scores: dict[str, float]) -> str:
    """The learner of the next trial, which is told at once."""
    proposal = schedule.ask()
    assert proposal is not None
    schedule.tell(Trial(number, proposal, (FoldResult(scores[proposal.learner], 0.1),)))
    return proposal.learner


@pytest.mark.parametrize(("task", "name"), [(task, name) for task, named in METRICS.items() for name in named])
def test_many_predictions_are_scored_as_one_is(task: Task, name: str) -> None:
    metric = metric_of(name)
    for classes in (2, 4) if task is Task.classification else (0,):
        truth = RNG.integers(0, classes, 200) if classes else RNG.normal(size=200) + 3
        said = RNG.dirichlet(np.ones(classes), (5, 200)).round(2) + 1e-3 if classes else RNG.normal(size=(5, 200)) + 3
        said = said / said.sum(axis=-1, keepdims=True) if classes else said
        for weights in (None, RNG.random(200)):
            alone = [metric.score(truth, one, weights) for one in said]
            np.testing.assert_allclose(many.scores(metric, truth, said, weights), alone, rtol=1e-12)


@pytest.mark.parametrize("name", ["rf", "extra_tree"])
def test_a_forest_of_many_rows_has_fewer_trees_of_fewer_rows_and_larger_leaves(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forests, "ROWS", 5_000)
    features, target = RNG.normal(size=(400, 3)), RNG.normal(size=400)
    learner, setting = LEARNERS[name], Setting(Task.regression, "squared", 1, 0)

    def sizes(rows: int) -> tuple[int, int, int]:
        model = learner.fit(setting, learner.starts[0], Sample(features[:rows], target[:rows]), None)
        of_nodes = [tree.tree_.weighted_n_node_samples for tree in model.estimators_]
        return len(of_nodes), int(max(rows[0] for rows in of_nodes)), int(min(rows.min() for rows in of_nodes))

    assert [sizes(rows)[0] for rows in (30, 50, 400)] == [150, 100, 50]
    assert sizes(400)[1] <= 100
    assert sizes(50)[1] == 50
    assert [sizes(rows)[2] for rows in (30, 400)] == [1, forests.least_leaf(400, extra=name == "extra_tree")]
