"""All learners by name, which of them suit a table, and in which order a search begins with their starts."""

from collections.abc import Sequence

from keystage.search.learners import boosted, catboost, forests, histogram, scaled
from keystage.search.learners.learner import Learner, Point
from keystage.search.learners.own import own_learner

LEARNERS = {
    learner.name: learner
    for learner in (
        boosted.LGBM,
        boosted.XGBOOST,
        boosted.XGB_LIMITDEPTH,
        histogram.HISTGB,
        catboost.CATBOOST,
        forests.RF,
        forests.EXTRA_TREE,
        scaled.LRL1,
        scaled.LRL2,
        scaled.RIDGE,
        scaled.ENET,
        scaled.LASSOLARS,
        scaled.SGD,
        scaled.KNEIGHBOR,
        scaled.SVM,
        scaled.MLP,
        scaled.GAUSSIAN_NB,
    )
}
# The first starts, each of another kind, so that the first few trials already hold what most tables need.
_FIRST = ("lgbm", "lrl2", "ridge", "rf", "mlp", "xgb_limitdepth", "extra_tree", "svm", "kneighbor", "histgb")


def learner_named(name: str) -> Learner:
    """The learner that a trial names.

    Raises:
        ExtensionError: one of the user's own cannot be loaded.
    """
    return LEARNERS[name] if name in LEARNERS else own_learner(name)


def portfolio(learners: Sequence[Learner]) -> list[tuple[int, Learner, Point]]:
    """The trials a search begins with: every learner's first start, then every second one, and so on.

    Returns:
        For each its round, from 0, the learner, and the hyperparameters.
    """
    order = {name: place for place, name in enumerate(_FIRST)}
    ordered = sorted(learners, key=lambda learner: order.get(learner.name, len(order)))
    rounds = range(max((len(learner.starts) for learner in ordered), default=0))
    return [
        (turn, learner, learner.starts[turn]) for turn in rounds for learner in ordered if turn < len(learner.starts)
    ]


def unsuited(learner: Learner, rows: int, columns: int, classes: int) -> str | None:
    """Why a learner is not tried on a table unless it is named; None when it is."""
    if learner.why_by_name:
        return f"{learner.why_by_name}; it is tried only where it is named"
    limits = (
        (learner.most_rows, rows, "training rows"),
        (learner.most_columns, columns, "columns"),
        (learner.most_classes, classes, "classes"),
    )
    for most, found, what in limits:
        if most is not None and found > most:
            return f"{found:,} {what} are more than {most:,}, above which it is tried only where it is named"
    return None
