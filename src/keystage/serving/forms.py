"""The forms that a file of predictions is written in, by its ending."""

from pathlib import Path

from keystage.core.errors import DatasetError, listing

FORMS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "lines", ".ndjson": "lines"}


def form_of(path: Path) -> str:
    """The form by the file's ending.

    Raises:
        DatasetError: it is none of those that are known.
    """
    if path.suffix.lower() not in FORMS:
        raise DatasetError(
            f"{path.name} is in no form that is known",
            why=f"the form is told by the file's ending: {listing(FORMS)}",
            fix="rename it, or convert it",
        )
    return FORMS[path.suffix.lower()]
