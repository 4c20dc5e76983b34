"""The one form in which a table goes from stage to stage: Parquet that says which column is the label."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.core.errors import DatasetError
from keystage.data.spec import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_METADATA = b"keystage"


@dataclass(frozen=True)
class PreparedTable:
    """Rows ready for an estimator.

    Attributes:
        features: n x m, numeric columns only.
        label: n values, named like the label column, never missing.
        task: what is learnt.
    """

    features: "pd.DataFrame"
    label: "pd.Series"
    task: Task


def write_table(table: PreparedTable, path: Path) -> None:
    """Write a prepared table; equal tables give equal bytes. The label is the last column, there is no index."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table.features.assign(**{str(table.label.name): table.label}), preserve_index=False)
    about = json.dumps({"label": table.label.name, "task": table.task.value}, sort_keys=True).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _METADATA: about}), path)


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
    return PreparedTable(frame.drop(columns=[about["label"]]), frame[about["label"]], Task(about["task"]))
