"""Tables that stand inside an installed library: real data for first steps and tests, without a download."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keystage.core.errors import DatasetError, hint

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "bundled:"


class _Table(NamedTuple):
    """What scikit-learn calls it, its files, and the column that its target becomes."""

    loader: str
    files: tuple[str, ...]
    label: str


_TABLES = {
    "breast_cancer": _Table("load_breast_cancer", ("breast_cancer.csv",), "diagnosis"),
    "wine": _Table("load_wine", ("wine_data.csv",), "cultivar"),
    "diabetes": _Table("load_diabetes", ("diabetes_data_raw.csv.gz", "diabetes_target.csv.gz"), "progression"),
}


def bundled_files(name: str) -> list[Path]:
    """The files of a table, where it is installed; found without loading the library.

    Args:
        name: as in ``dataset.files``, like bundled:wine.

    Raises:
        DatasetError: there is no such table.
    """
    table = _table(name)
    library = find_spec("sklearn")
    assert library is not None
    assert library.origin is not None
    return [Path(library.origin).parent / "datasets" / "data" / file for file in table.files]


def read_bundled(name: str) -> "pd.DataFrame":
    """The table: its measurements as they are, and its target as the last column; classes by their names.

    Raises:
        DatasetError: there is no such table.
    """
    import sklearn.datasets

    table = _table(name)
    measured = {"scaled": False} if table.loader == "load_diabetes" else {}
    loaded = getattr(sklearn.datasets, table.loader)(as_frame=True, **measured)
    names = getattr(loaded, "target_names", None)
    target = loaded.target if names is None else loaded.target.map(dict(enumerate(names.tolist())))
    rows: pd.DataFrame = loaded.data.copy()
    rows.columns = [str(column).replace(" ", "_").replace("/", "_") for column in rows.columns]
    rows[table.label] = target
    return rows


def _table(name: str) -> _Table:
    asked = name.removeprefix(PREFIX)
    if asked not in _TABLES:
        raise DatasetError(
            f"there is no bundled table '{asked}'",
            why=f"dataset.files names {name}, and scikit-learn is where it is looked for",
            fix=hint(asked, _TABLES),
        )
    return _TABLES[asked]
