"""The one form in which a table goes from stage to stage: Parquet that says which column is the label."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.data.spec import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_METADATA = b"keystage"
_ROLE = "role:"  # before the name of a role's column; a feature has no ':' in its name


NEVER = -1  # the fold of rows that are validated in none, as in scikit-learn's PredefinedSplit


@dataclass(frozen=True)
class Roles:
    """What the rows of a table are for; each of n values in the order of the rows, None where it is not declared.

    Attributes:
        weight: float64, 0 or more.
        group: values of any kind, never missing.
        time: float64 or datetime64, never missing.
        fold: int64, the fold that validates the row; -1 where none does.
        held_out: bool, true for rows that score trials and on which nothing is fitted.
        offset: float64, what was taken from the label, and is added to what is predicted: of forecasts learnt as
            differences.
        baseline: float64, the seasonal naive forecast, in the unit that the files have.
    """

    weight: "pd.Series | None" = None
    group: "pd.Series | None" = None
    time: "pd.Series | None" = None
    fold: "pd.Series | None" = None
    held_out: "pd.Series | None" = None
    offset: "pd.Series | None" = None
    baseline: "pd.Series | None" = None

    @property
    def present(self) -> "dict[str, pd.Series]":
        """Those that are declared, by name."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: values for name, values in found.items() if values is not None}


@dataclass(frozen=True)
class PreparedTable:
    """Rows ready for an estimator.

    Attributes:
        features: n x m, numeric columns only.
        label: n values, named like the label column, never missing.
        task: what is learnt.
        roles: what the rows are for: weight, group, time, fold.
        horizon: of a forecast, the periods ahead; roles.time is then the place of a row in time, in periods.
    """

    features: "pd.DataFrame"
    label: "pd.Series"
    task: Task
    roles: Roles = Roles()
    horizon: int | None = None


def write_table(table: PreparedTable, path: Path) -> None:
    """Write a prepared table; equal tables give equal bytes. Label and roles are the last columns, without index."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(arrow_of(table), path)


def arrow_of(table: PreparedTable) -> "pa.Table":
    """A prepared table as it is written."""
    import pandas as pd
    import pyarrow as pa

    roles = {_ROLE + name: values.to_numpy() for name, values in table.roles.present.items()}
    beside = pd.DataFrame({str(table.label.name): table.label.to_numpy()} | roles, index=table.features.index)
    frame = pd.concat([table.features, beside], axis="columns")
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    named = {"label": table.label.name, "task": table.task.value, "roles": list(table.roles.present)}
    named |= {"horizon": table.horizon} if table.horizon else {}
    about = json.dumps(named, sort_keys=True).encode()
    return arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _METADATA: about})


def prediction_table(label: "pd.Series", predicted: "np.ndarray", classes: Sequence[object]) -> "pd.DataFrame":
    """True and predicted values side by side.

    Args:
        label: n true values.
        predicted: n x k probabilities of a classifier, or n values of a regressor.
        classes: the k classes, in the order of the columns; none for a regressor.

    Returns:
        Columns actual and ``probability_CLASS`` for each class, or actual and predicted.
    """
    import pandas as pd

    if not classes:
        return pd.DataFrame({"actual": label.to_numpy(), "predicted": predicted})
    columns = {f"probability_{value}": predicted[:, index] for index, value in enumerate(classes)}
    return pd.DataFrame({"actual": label.to_numpy(), **columns})


def read_table(path: Path) -> PreparedTable:
    """Read what ``write_table`` wrote.

    Raises:
        DatasetError: the file is not a prepared table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path)
        about = json.loads(arrow.schema.metadata[_METADATA])
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise DatasetError(
            f"{path} is not a prepared table", why=str(error), fix="write it anew: dvc repro --force dataprep"
        ) from error
    frame = arrow.to_pandas()
    roles = Roles(**{name: frame[_ROLE + name].rename(name) for name in about["roles"]})
    features = frame.drop(columns=[about["label"], *(_ROLE + name for name in about["roles"])])
    return PreparedTable(features, frame[about["label"]], Task(about["task"]), roles, about.get("horizon"))
