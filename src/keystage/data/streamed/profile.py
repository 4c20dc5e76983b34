"""The profile of a table of which a sample was held: what was counted in all rows, and the rest from the sample."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keystage.data.profile import MAX_DETAILED, MAX_TEXT, TOP, ColumnProfile, profiled, short
from keystage.data.purpose import purpose_of
from keystage.data.streamed.counted import MOST_VALUES, Tally

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    import pandas as pd


def profiled_with(
    sample: "pd.DataFrame", tallies: dict[str, Tally], rows: int, pool: "Executor"
) -> "list[ColumnProfile]":
    """Each column's profile, in the order of the table.

    Of all rows are counts, moments, the least and the greatest; of texts and booleans with up to 10,000 different
    values all the rest too. ``sampled`` says how many rows the rest is from, where that is not all.

    Args:
        sample: rows of the table.
        tallies: by column, what was counted in all rows.
        rows: of the table.
        pool: works on several columns at a time.
    """
    is_whole = len(sample) == rows

    def one(at_name: tuple[int, str]) -> ColumnProfile:
        at, name = at_name
        tally = tallies[name]
        if tally.values is not None and not is_whole:
            return _of_values(sample[name], tally, at < MAX_DETAILED)
        [profile] = profiled(sample[[name]])
        profile = profile if at < MAX_DETAILED else replace(profile, histogram=None, top=[])
        return profile if is_whole else _counted(profile, tally, len(sample))

    return list(pool.map(one, enumerate(tallies)))


def _of_values(column: "pd.Series", tally: Tally, detailed: bool) -> ColumnProfile:
    """Of a column each of whose values was counted."""
    import numpy as np
    import pandas as pd

    assert tally.values is not None
    values, counts = pd.Index(list(tally.values)), np.array(list(tally.values.values()), dtype="int64")
    top = np.argsort(-counts, kind="stable")[: TOP if detailed else 0]
    return ColumnProfile(
        column=str(column.name),
        type=str(column.dtype),
        purpose=purpose_of(column, values, counts, tally.rows),
        count=tally.count,
        missing=tally.missing,
        distinct=len(values),
        top=[{"value": str(values[at])[:MAX_TEXT], "count": int(counts[at])} for at in top],
        commonest=int(counts.max(initial=0)),
        values=(values, counts),
    )


def _counted(profile: ColumnProfile, tally: Tally, sampled: int) -> ColumnProfile:
    """The profile of a sample, with what was counted in all rows in its place."""
    more = tally.count / profile.count if profile.count else 1.0
    distinct = profile.distinct
    if profile.values is not None:  # texts, too many to count each
        distinct = max(distinct, MOST_VALUES + 1)
    elif tally.least != tally.most:
        distinct = max(distinct, 2)
    exact: dict[str, Any] = {
        "count": tally.count,
        "missing": tally.missing,
        "infinite": tally.infinite,
        "distinct": distinct,
        "commonest": round(profile.commonest * more),
        "values": profile.values and (profile.values[0], _scaled(profile.values[1], more)),
        "sampled": sampled,
    }
    if profile.first is not None:
        exact |= {"first": tally.least.isoformat(), "last": tally.most.isoformat()}
    if profile.quantiles is not None:
        ends = {"0": short(tally.least), "1": short(tally.most)}
        exact |= {"quantiles": profile.quantiles | ends}
        exact |= {"mean": short(tally.mean), "std": short(tally.std), "skew": short(tally.skew)}
    return replace(profile, **exact)


def _scaled(counts: "np.ndarray", more: float) -> "np.ndarray":
    import numpy as np

    scaled: np.ndarray = np.rint(counts * more).astype("int64")
    return scaled
