"""Which cells stand in an earlier row, of a column that comes block by block."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Seen:
    """The values of columns so far, as 64 bits each: numbers and times as they are, texts as a hash of them.

    Of ten million different texts, two have one hash by a chance of 3 in a million.
    """

    def __init__(self) -> None:
        self._runs: dict[str, list[np.ndarray]] = {}

    def repeats(self, column: "pd.Series") -> "np.ndarray":
        """Which cells stand in an earlier row of this block or of one before: n booleans. Missing cells do not."""
        import numpy as np
        import pandas as pd

        found = np.zeros(len(column), dtype="bool")
        present = column.notna().to_numpy()
        values = _bits(column[present])
        again = pd.Series(values).duplicated().to_numpy()
        runs = self._runs.setdefault(str(column.name), [])
        new = np.unique(values)
        earlier = np.zeros(len(new), dtype="bool")
        for run in runs:
            at = np.searchsorted(run, new)
            earlier |= run[np.minimum(at, len(run) - 1)] == new
        found[present] = again | np.isin(values, new[earlier])
        if len(fresh := new[~earlier]):
            runs.append(fresh)
        while len(runs) > 1 and len(runs[-2]) < 2 * len(runs[-1]):  # few runs, each far longer than the next
            last, longer = runs.pop(), runs.pop()
            runs.append(np.sort(np.concatenate([longer, last]), kind="stable"))
        return found


def _bits(column: "pd.Series") -> "np.ndarray":
    import pandas as pd

    bits: np.ndarray
    if pd.api.types.is_datetime64_any_dtype(column):
        bits = column.dt.as_unit("ns").astype("int64").to_numpy().view("uint64")
    elif pd.api.types.is_numeric_dtype(column):
        bits = (column.to_numpy(dtype="float64") + 0.0).view("uint64")  # -0.0 + 0.0 is 0.0
    else:
        bits = pd.util.hash_array(column.to_numpy(dtype="object"), categorize=False)
    return bits
