"""A sample of the rows that is the same however they fall into blocks, with the same share of each class."""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from keystage.core.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LEAST_OF_A_CLASS = 20  # rows that are kept of each class that has them: four in each of five folds
MOST_CLASSES = 5_000
_SLACK = 6.0  # standard deviations of how many more rows of a class are kept until all have been seen
_MARGIN = 1.5  # of the sample, rows held before the surplus is let go


class Sample:
    """Rows drawn without replacement from those that are added.

    A row's lot is a number made of the seed and of its place in the table. Of each class, the rows with the least lots
    are the sample. So it does not depend on blocks or cores, and needs one look at each row.

    Args:
        rows: how many at most.
        seed: another one draws others.
        shared_out: columns each of whose values is drawn in its share: the classes, and what rows are for.
    """

    def __init__(self, rows: int, seed: int, shared_out: Sequence[str]) -> None:
        self._rows, self._seed, self._shared_out = rows, seed, list(shared_out)
        self._codes: dict[tuple[Any, ...], int] = {}
        self._seen: list[int] = []  # rows by stratum
        self._cuts: list[int] = []  # lots by stratum, from which on a row cannot be in the sample
        self._kept: list[tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]] = []  # frame, lots, strata, places
        self._held = 0

    @property
    def seen(self) -> int:
        """Rows that were added."""
        return sum(self._seen)

    def classes(self, label: str) -> dict[Any, int]:
        """Rows by class, as they came, of all that were added; of one class where the label is not shared out."""
        found: dict[Any, int] = {}
        for values, code in self._codes.items():
            value = values[self._shared_out.index(label)] if label in self._shared_out else None
            found[value] = found.get(value, 0) + self._seen[code]
        return found

    def add(self, frame: "pd.DataFrame", first: int, side: Hashable) -> None:
        """Draw among these rows too.

        Args:
            frame: rows, indexed by their numbers in the files.
            first: the place of the first of them among all that are added.
            side: what the rows of their file are for.
        """
        import numpy as np

        lots = _lots(frame.index.to_numpy(dtype="uint64"), self._seed)
        strata = self._strata(frame, side)
        places = np.arange(first, first + len(frame))
        chosen = lots <= np.array(self._cuts, dtype="uint64")[strata]
        frame = frame if chosen.all() else frame[chosen]
        self._kept.append((frame, lots[chosen], strata[chosen], places[chosen]))
        self._held += len(frame)
        if self._held > _MARGIN * self._rows + 2 * len(lots):
            self._let_go(_SLACK)

    def drawn(self) -> "tuple[list[pd.DataFrame], np.ndarray]":
        """The sample in the order of the files, and the place of each row among all that were added."""
        import numpy as np

        self._let_go(0.0)
        return [kept[0] for kept in self._kept], np.concatenate([kept[3] for kept in self._kept])

    def _strata(self, frame: "pd.DataFrame", side: Hashable) -> "np.ndarray":
        import numpy as np
        import pandas as pd

        codes = np.zeros(len(frame), dtype="int64")
        values: list[tuple[Any, ...]] = [()]
        for name in self._shared_out:
            own, different = pd.factorize(frame[name], use_na_sentinel=False)
            names, many = list(different), len(different)
            codes, present = pd.factorize(codes * many + own)
            values = [(*values[at // many], names[at % many]) for at in present.tolist()]
        known = []
        for each in values:
            code = self._codes.setdefault((*each, side), len(self._codes))
            known.append(code)
            if code == len(self._seen):
                self._seen.append(0)
                self._cuts.append(2**64 - 1)
        self._require_few()
        strata = np.array(known, dtype="int64")[codes]
        for code, count in enumerate(np.bincount(strata, minlength=len(self._seen))):
            self._seen[code] += int(count)
        return strata

    def _require_few(self) -> None:
        limit = min(MOST_CLASSES, self._rows // LEAST_OF_A_CLASS)
        if len(self._codes) > limit:
            raise DatasetError(
                f"label '{self._shared_out[0]}' has more than {limit} classes",
                why=f"dataset.stream keeps {LEAST_OF_A_CLASS} rows of each class, and {self._rows} rows in all",
                fix="declare task: regression in conf/dataset, group the values into classes, or raise "
                "dataset.stream.rows",
            )

    def _let_go(self, slack: float) -> None:
        """Keep the rows with the least lots of each stratum."""
        import numpy as np

        lots = np.concatenate([kept[1] for kept in self._kept])
        strata = np.concatenate([kept[2] for kept in self._kept])
        shares = _shares(self._seen, self._rows)
        most = np.array([share + math.ceil(slack * math.sqrt(share) + 5 * slack) for share in shares])
        counts = np.bincount(strata, minlength=len(self._seen))
        order, ends = np.argsort(strata, kind="stable"), np.cumsum(counts)
        for code in np.flatnonzero(counts > most):
            own = lots[order[ends[code] - counts[code] : ends[code]]]
            self._cuts[code] = int(np.partition(own, most[code] - 1)[most[code] - 1])  # no two rows have one lot
        chosen = lots <= np.array(self._cuts, dtype="uint64")[strata]
        kept, at = [], 0
        for frame, own_lots, own_strata, places in self._kept:
            mask = chosen[at : at + len(frame)]
            at += len(frame)
            if mask.any():
                kept.append((frame if mask.all() else frame[mask], own_lots[mask], own_strata[mask], places[mask]))
        self._kept, self._held = kept, int(chosen.sum())


def _shares(seen: list[int], rows: int) -> list[int]:
    """How many of each stratum are drawn: in proportion, by largest remainders, and some of each."""
    whole = sum(seen)
    if whole <= rows:
        return list(seen)
    shares = [count * rows // whole for count in seen]
    by_rest = sorted(range(len(seen)), key=lambda at: (-(seen[at] * rows % whole), at))
    for at in by_rest[: rows - sum(shares)]:
        shares[at] += 1
    shares = [max(share, min(count, LEAST_OF_A_CLASS)) for share, count in zip(shares, seen, strict=True)]
    while (over := sum(shares) - rows) > 0:
        greatest = max(range(len(shares)), key=lambda at: (shares[at], -at))
        shares[greatest] -= max(1, min(over, shares[greatest] // 2 - LEAST_OF_A_CLASS))
    return shares


def _lots(rows: "np.ndarray", seed: int) -> "np.ndarray":
    """SplitMix64 of each row's number: neighbouring rows and seeds have unrelated lots."""
    import numpy as np

    with np.errstate(over="ignore"):
        lots = _mixed(rows + np.uint64(1)) ^ _mixed(np.full(1, seed, dtype="uint64"))
        return _mixed(lots)


def _mixed(values: "np.ndarray") -> "np.ndarray":
    import numpy as np

    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed
