"""What is written comes back, in every form: in training and in scoring alike."""

import csv
import gzip
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.marks import Marks
from keystage.data.reading import read_dataset
from keystage.data.sources.spec import ReadSpec
from keystage.data.spec import DatasetSpec, Task
from keystage.serving.formats import blocks, columns_of
from keystage.serving.raw_file import RawFile
from keystage.serving.rows import from_arrow, from_lines

TYPES = {"whole": ColumnType.integer, "part": ColumnType.number, "word": ColumnType.string, "yes": ColumnType.string}
KINDS = {"whole": "number", "part": "number", "word": "text", "yes": "text"}
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("t.csv", {}),
    "german": ("t.csv", {"separator": ";", "decimal": ",", "encoding": "cp1252"}),
    "pipes": ("t.txt", {"separator": "|", "quote": "'", "encoding": "utf-16"}),
    "tabs": ("t.tsv.gz", {"skip_rows": 2}),
    "comments": ("t.txt", {"separator": ";", "comment": "#", "skip_rows": 1, "encoding": "utf-16"}),
    "parquet": ("t.parquet", {}),
    "lines": ("t.jsonl", {}),
    "sheet": ("t.xlsx", {}),
}
# Of Windows' Western letters, so that each encoding has them; no line's end of its own, and no formula.
letters = st.sampled_from("abz ÄÖüß€é'\"|;,\t=#\n0179.-_<>&")
words = st.one_of(
    st.none(), st.text(letters, min_size=1, max_size=12).filter(lambda text: text.strip() and text[0] != "=")
)
rows = st.tuples(
    st.one_of(st.none(), st.integers(-(2**53), 2**53)),
    st.one_of(st.none(), st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda value: round(value, 6))),
    words,
    st.sampled_from(["true", "NA", "007", "1e5", "None"]),  # texts that look like something else
)


def _written(table: pd.DataFrame, path: Path, reading: dict[str, Any]) -> None:
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True, double_precision=15)
    elif path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        separator = reading.get("separator", "\t" if ".tsv" in path.name else ",")
        comment = f'{reading["comment"]} of "a tool\n' if "comment" in reading else ""
        text = table.to_csv(
            index=False,
            sep=separator,
            decimal=reading.get("decimal", "."),
            quotechar=reading.get("quote", '"'),
            # Quoted, the character of comments has no meaning.
            quoting=csv.QUOTE_NONNUMERIC if comment else csv.QUOTE_MINIMAL,
        )
        text = comment + text + comment
        body = ("of a tool\n" * reading.get("skip_rows", 0) + text).encode(reading.get("encoding", "utf-8"))
        path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells=st.lists(rows, min_size=1, max_size=8))
def test_cells_come_back_as_they_were_written(form: str, cells: list[tuple[Any, ...]]) -> None:
    name, reading = FORMS[form]
    table = pd.DataFrame(cells, columns=list(TYPES))
    table["whole"] = table["whole"].astype("Int64" if name.endswith((".csv", ".txt", ".gz")) else "float64")
    table = table.astype({"part": "float64", "word": "str", "yes": "str"})
    spec = DatasetSpec([name], "yes", Task.classification, "t", "", read=ReadSpec(**reading))
    spec.columns = [ColumnSpec(column, kind) for column, kind in TYPES.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        _written(table, path, reading)

        learnt = read_dataset(spec, Path(folder)).table
        scored = _scored(RawFile(path, ReadSpec(**reading), texts=["word", "yes"]))

    expected = table.astype({"whole": "float64"})
    for found in (learnt, scored):
        pd.testing.assert_frame_equal(found.astype({"whole": "float64", "part": "float64"}), expected, rtol=1e-12)


def _scored(file: RawFile) -> pd.DataFrame:
    """The rows as they come to a model."""
    names = columns_of(file)
    (block,) = blocks(file, list(KINDS), names)
    assert not block.unreadable
    marks = Marks(file.read.decimal, file.read.thousands)
    written = {"marks": [marks.decimal, marks.thousands or ""], "pattern": marks.pattern.pattern, "datetimes": {}}
    if block.form == "lines":
        frame, _, bad = from_lines(block.body, KINDS, [], [], {})
    else:
        frame, _, bad = from_arrow(block.body, KINDS, [], written, {})
    assert not bad
    return frame.assign(whole=pd.to_numeric(frame["whole"]), part=pd.to_numeric(frame["part"]))
