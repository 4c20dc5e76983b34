"""Which rows are for the test, of a table that is on disk: the same ones as of a table that is in memory."""

import math
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.data.roles import HELD_OUT, roles_of
from keystage.data.spec import DatasetSpec, SplitKind, Task
from keystage.data.split import split_kind
from keystage.data.streamed.staged import Staging

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def test_rows(
    staging: Staging, types: dict[str, str], spec: DatasetSpec, test_size: float, seed: int, kind: SplitKind
) -> "np.ndarray":
    """As ``keystage.data.split.split`` chooses them: a boolean for each row with a label.

    In memory are two bytes for each row, and while rows are drawn up to 16 more; of a split by groups or by time
    another 8, and the names of the groups.

    Args:
        staging: holds the rows.
        types: of its columns.
        spec: names the label and the roles.
        test_size: share of the rows, or of the groups.
        seed: gives the same rows for the same table.
        kind: how; ``auto`` is by the dataset's roles.

    Raises:
        DatasetError: a side would hold no rows, fewer than there are classes, or not all classes.
    """
    import numpy as np

    how = split_kind(spec, kind)
    own, classes, names, parts = _collected(staging, types, spec, how)
    try:
        if how is SplitKind.groups:
            chosen = _by_groups(parts, test_size, seed)
        elif how is SplitKind.time:
            chosen = _by_time(np.concatenate([part.to_numpy() for part in parts]), test_size)
        else:
            chosen = _drawn(classes if spec.task is Task.classification else None, int(own.sum()), test_size, seed)
        if how is not SplitKind.random:
            _require_all_classes(classes, chosen, names)
    except ValueError as error:
        raise DatasetError(
            f"{int(own.sum())} rows cannot be split into training and test rows",
            why=str(error),
            fix="add rows, or change prep.test_size or prep.split in conf/prep",
        ) from error
    found = np.zeros(len(own), dtype="bool")
    found[own] = chosen
    return found


test_rows.__test__ = False  # type: ignore[attr-defined]  # a name that pytest would collect


def _collected(
    staging: Staging, types: dict[str, str], spec: DatasetSpec, how: SplitKind
) -> "tuple[np.ndarray, np.ndarray, list[str], list[pd.Series]]":
    """Which rows are not held out; of those, codes of their classes in the order of the labels, and their role."""
    import numpy as np
    import pandas as pd

    columns = [spec.label, *spec.roles.values(), *([HELD_OUT] if spec.validation_files else [])]
    own, codes, parts = [], [], []
    values = np.array([], dtype="object")
    for number in staging.parts():
        table = staging.read(number, types, columns)
        roles = roles_of(table, spec, whole=False)  # refuses bad cells before they are scattered
        mask = ~table[HELD_OUT].to_numpy() if HELD_OUT in table else np.ones(len(table), dtype="bool")
        own.append(mask)
        if spec.task is Task.classification:
            found, labels = pd.factorize(table[spec.label][mask])
            values = np.array([*values, *(label for label in labels if label not in set(values))], dtype="object")
            codes.append(pd.Index(values).get_indexer(labels).astype("int16")[found])
        role = {SplitKind.groups: roles.group, SplitKind.time: roles.time}.get(how)
        if role is not None:
            parts.append(role[mask].reset_index(drop=True))
    order = np.argsort(values, kind="stable")
    places = np.argsort(order, kind="stable").astype("int16")
    classes = places[np.concatenate(codes)] if codes else np.array([], dtype="int16")
    return np.concatenate(own), classes, [str(values[at]) for at in order], parts


def _drawn(classes: "np.ndarray | None", rows: int, test_size: float, seed: int) -> "np.ndarray":
    """The rows that scikit-learn's ``train_test_split`` draws, without a list of them all."""
    import numpy as np

    test = math.ceil(test_size * rows)
    rng = np.random.RandomState(seed)
    chosen = np.zeros(rows, dtype="bool")
    if classes is None:
        if rows - test < 1:
            raise ValueError(f"With test_size={test_size}, the training rows of {rows} would be none")
        chosen[rng.permutation(rows)[:test]] = True
        return chosen
    from sklearn.utils.extmath import _approximate_mode

    counts = np.bincount(classes)
    for side, count in (("training", rows - test), ("test", test)):
        if count < len(counts):
            raise ValueError(f"{count} {side} rows are fewer than the {len(counts)} classes")
    train_of = _approximate_mode(counts, rows - test, rng)
    test_of = _approximate_mode(counts - train_of, test, rng)
    for code, count in enumerate(counts):
        drawn = rng.permutation(count)[train_of[code] : train_of[code] + test_of[code]]
        among = np.zeros(count, dtype="bool")
        among[drawn] = True
        chosen[classes == code] = among
    return chosen


def _by_groups(parts: "list[pd.Series]", test_size: float, seed: int) -> "np.ndarray":
    """All rows of the groups that scikit-learn's ``GroupShuffleSplit`` draws."""
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import ShuffleSplit

    groups = pd.concat(parts, ignore_index=True)
    codes, values = pd.factorize(groups, sort=True)
    _, drawn = next(ShuffleSplit(1, test_size=test_size, random_state=seed).split(np.empty(len(values))))
    among = np.zeros(len(values), dtype="bool")
    among[drawn] = True
    return among[codes]


def _by_time(times: "np.ndarray", test_size: float) -> "np.ndarray":
    import numpy as np

    at = len(times) - max(1, round(test_size * len(times)))
    first = np.partition(times, at)[at]
    chosen: np.ndarray = times >= first
    if chosen.all():
        raise ValueError(
            f"the test would take all rows: {int((times == first).sum())} are of the first time, '{first}'"
        )
    return chosen


def _require_all_classes(classes: "np.ndarray", chosen: "np.ndarray", names: list[str]) -> None:
    """Refuse test rows of classes that no training row has: a model would not know them."""
    import numpy as np

    if not len(classes):
        return
    new = np.setdiff1d(np.unique(classes[chosen]), np.unique(classes[~chosen]))
    if len(new):
        raise ValueError(f"no training row would be of class '{names[new[0]]}'; the test rows hold all of them")
