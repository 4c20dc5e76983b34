"""``keystage predict``: three forms in and out, in order; bad rows told; a killed run goes on; a pickle is refused."""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import Project

from keystage.core.errors import DatasetError
from keystage.data.marks import Marks
from keystage.serving.asked import Request
from keystage.serving.batch import Outcome, Progress, predict_file
from keystage.serving.errors import ServingError
from keystage.serving.formats import blocks, columns_of
from keystage.serving.raw_file import RawFile, read_as
from keystage.serving.served import ServedModel
from keystage.serving.written import read_as_written

COLUMNS = [
    *("PassengerId", "Survived", "Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin"),
    "Embarked",
]
MODEL = "TitanicSurvivalInitial"
BY_MLFLOW = """
import sys, json, mlflow, pandas as pd
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.sklearn.load_model(f"models:/{sys.argv[1]}/1")
rows = pd.read_csv(sys.argv[2])
print(json.dumps([model.predict(rows).tolist(), model.predict_proba(rows).tolist()]))
"""


def _rows(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.root / "data" / "titanic" / "Titanic.csv")


@pytest.fixture(scope="module")
def scored(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Titanic's first file, scored to CSV with all its columns."""
    output = tmp_path_factory.mktemp("scored") / "scored.csv"
    said = finished.call("keystage", "predict", f"{MODEL}@1", "data/titanic/Titanic.csv", str(output), "--keep", "*")
    assert f"891 rows predicted by {MODEL}@1" in said.stdout
    return output


def test_rows_come_out_in_order_as_the_bare_model_predicts_them(finished: Project, scored: Path) -> None:
    done = finished.call("python", "-W", "ignore", "-c", BY_MLFLOW, MODEL, "data/titanic/Titanic.csv")
    labels, shares = json.loads(done.stdout.splitlines()[-1])

    found = pd.read_csv(scored)

    assert found["predicted"].tolist() == labels
    assert np.array_equal(found[["probability_0", "probability_1"]].to_numpy(), np.asarray(shares))
    pd.testing.assert_frame_equal(found[list(_rows(finished))], _rows(finished))
    assert sorted(item.name for item in scored.parent.iterdir()) == ["scored.csv"], "no part, no lock is left"


def test_each_form_is_read_and_written_with_columns_in_any_order(
    finished: Project, scored: Path, tmp_path: Path
) -> None:
    rows, expected = _rows(finished), pd.read_csv(scored)[["PassengerId", "predicted", "probability_0"]]
    rows.sample(frac=1, axis="columns", random_state=1).to_parquet(tmp_path / "rows.parquet")
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    for source, output in (("rows.parquet", "out.jsonl"), ("rows.jsonl", "out.parquet")):
        predict_file(Request(_served(finished), tmp_path / source, tmp_path / output, ["PassengerId"]), _silent)

    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    for found in (pd.DataFrame(lines), pd.read_parquet(tmp_path / "out.parquet")):
        pd.testing.assert_frame_equal(found[list(expected)], expected)


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("rows.txt", {"separator": ";", "encoding": "cp1252", "decimal": ",", "skip_rows": 2}),
        ("rows.data", {"format": "csv", "separator": "|", "encoding": "utf-16", "quote": "'"}),
        ("rows.tsv.gz", {"thousands": " "}),
        ("rows.csv", {"header": "none", "names": COLUMNS}),
        ("rows.xlsx", {"format": "excel", "skip_rows": 2, "decimal": ","}),
    ],
)
def test_a_file_is_read_as_those_were_that_the_model_learnt_from(
    finished: Project, scored: Path, tmp_path: Path, name: str, reading: dict[str, Any]
) -> None:
    expected = pd.read_csv(scored)[["PassengerId", "predicted", "probability_0"]]
    _write(_rows(finished), tmp_path / name, reading)
    asked = Request(_served(finished), tmp_path / name, tmp_path / "out.parquet", ["PassengerId"])

    predict_file(replace(asked, model=replace(asked.model, reading=reading)), _silent)
    by_model = pd.read_parquet(tmp_path / "out.parquet")
    given = [f"{key}={','.join(value) if isinstance(value, list) else value}" for key, value in reading.items()]
    predict_file(replace(asked, read=given), _silent)

    for found in (by_model, pd.read_parquet(tmp_path / "out.parquet")):
        pd.testing.assert_frame_equal(found[list(expected)].astype({"PassengerId": "int64"}), expected)


def _write(rows: pd.DataFrame, path: Path, reading: dict[str, Any]) -> None:
    """Rows in the form that ``reading`` says."""
    if path.suffix == ".xlsx":
        texts = rows.assign(Fare=rows["Fare"].astype("str").str.replace(".", ","))
        texts.to_excel(path, index=False, startrow=reading["skip_rows"])
        return
    text = rows.to_csv(
        index=False,
        sep=reading.get("separator", "\t" if ".tsv" in path.name else ","),
        decimal=reading.get("decimal", "."),
        quotechar=reading.get("quote", '"'),
        header=reading.get("header") != "none",
    )
    text = "about the table\n" * reading.get("skip_rows", 0) + text
    body = text.encode(reading.get("encoding", "utf-8"))
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)


def test_several_files_are_scored_below_each_other_with_the_columns_of_their_paths(
    finished: Project, scored: Path, tmp_path: Path
) -> None:
    expected = pd.read_csv(scored)[["PassengerId", "Pclass", "predicted", "probability_0"]].set_index("PassengerId")
    for number, part in _rows(finished).groupby("Pclass"):
        folder = tmp_path / "rows" / f"Pclass={number}"
        folder.mkdir(parents=True)
        part.drop(columns="Pclass").to_csv(folder / "one.csv", index=False)
        part.drop(columns="Pclass").to_json(folder / "one.jsonl", orient="records", lines=True)
    asked = Request(_served(finished), tmp_path / "rows", tmp_path / "out.parquet", ["PassengerId", "Pclass"])

    for source, copies in ((tmp_path / "rows", 2), (tmp_path / "rows" / "*" / "*.csv", 1)):
        outcome = predict_file(replace(asked, source=source), _silent)
        found = pd.read_parquet(tmp_path / "out.parquet").astype({"Pclass": "int64", "PassengerId": "int64"})
        assert outcome.rows == len(found) == copies * len(expected)
        assert found["Pclass"].is_monotonic_increasing
        found = found.set_index("PassengerId")[list(expected)]
        pd.testing.assert_frame_equal(found, expected.loc[found.index])

    for output in (tmp_path / "rows" / "out.csv", tmp_path / "rows" / "a" / "out.csv"):
        with pytest.raises(DatasetError, match="would stand among the input's files"):
            predict_file(replace(asked, source=tmp_path / "rows", output=output), _silent)


def test_one_file_of_a_union_is_told_to_come_with_the_others(finished: Project, tmp_path: Path) -> None:
    _rows(finished).drop(columns="Embarked").to_csv(tmp_path / "rows.csv", index=False)
    asked = Request(_served(finished), tmp_path / "rows.csv", tmp_path / "out.csv", read=["header=union"])

    with pytest.raises(DatasetError, match=r"rows\.csv lacks column Embarked") as got:
        predict_file(asked, _silent)

    assert "name files that have them too, as a folder or pattern" in got.value.fix


def test_the_name_of_a_file_is_a_column_where_the_model_has_learnt_from_names(
    finished: Project, scored: Path, tmp_path: Path
) -> None:
    expected = pd.read_csv(scored)[["PassengerId", "predicted", "probability_0"]].set_index("PassengerId")
    (tmp_path / "rows").mkdir()
    for port, part in _rows(finished).groupby("Embarked"):
        part.drop(columns="Embarked").to_csv(tmp_path / "rows" / str(port), index=False)
    asked = Request(_served(finished), tmp_path / "rows" / "*", tmp_path / "out.parquet", ["PassengerId"])
    model = replace(asked.model, reading={"source_column": "Embarked", "format": "csv"})

    for source in (tmp_path / "rows" / "*", tmp_path / "rows" / "S"):
        predict_file(replace(asked, source=source, model=model), _silent)
        found = pd.read_parquet(tmp_path / "out.parquet").astype({"PassengerId": "int64"}).set_index("PassengerId")
        assert len(found) > 600
        pd.testing.assert_frame_equal(found[list(expected)], expected.loc[found.index])


def test_true_and_false_are_what_they_were_in_training_in_each_form(project: Project, tmp_path: Path) -> None:
    rows = _rows(project).assign(male=lambda rows: rows["Sex"] == "male")
    rows["young"] = (rows["Age"] < 30).astype("object").mask(rows["Age"].isna())
    rows = rows[["male", "young", "Fare", "Survived"]]
    (project.root / "data/flags").mkdir()
    rows.to_csv(project.root / "data/flags/rows.csv", index=False)
    (project.root / "conf/dataset/flags.yaml").write_text(
        "{name: flags, path: data/flags, files: [rows.csv], label: Survived, task: classification}", encoding="utf-8"
    )
    (project.root / "conf/prep/flags.yaml").write_text(
        "{test_size: 0.2, steps: [{use: codes, columns: [young], options: {unknown: -1, missing: -2}}]}",
        encoding="utf-8",
    )
    project.call("keystage", "run", "dataset=flags", "prep=flags", "automl=smoke", "registry.model_name=Flags")
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    rows.assign(young=rows["young"].astype("boolean")).to_parquet(tmp_path / "rows.parquet")

    outputs = []
    for name in (project.root / "data/flags/rows.csv", tmp_path / "rows.jsonl", tmp_path / "rows.parquet"):
        outputs.append(tmp_path / f"{name.suffix[1:]}.csv")
        project.call("keystage", "predict", "Flags@1", str(name), str(outputs[-1]))
    answer = project.call("python", "-c", BY_MLFLOW, "Flags", "data/flags/rows.csv").stdout.splitlines()[-1]

    of_text, of_lines, of_parquet = (output.read_text(encoding="utf-8") for output in outputs)
    assert of_text == of_lines == of_parquet
    assert pd.read_csv(outputs[0])["predicted"].tolist() == json.loads(answer)[0]
    rows.astype("object").assign(male="perhaps").to_csv(tmp_path / "odd.csv", index=False)
    refused = project.call("keystage", "predict", "Flags@1", str(tmp_path / "odd.csv"), str(outputs[0]), ok=False)
    assert "'male' holds 'perhaps', which is neither true nor false" in " ".join(refused.stdout.split())


def test_of_several_files_a_bad_row_is_told_with_its_file_and_one_header_may_do_for_all(
    finished: Project, tmp_path: Path
) -> None:
    rows = _rows(finished).head(30)
    rows.head(10).to_csv(tmp_path / "a.csv", index=False)
    rows.iloc[10:20].to_csv(tmp_path / "b.csv", index=False, header=False)
    odd = rows.tail(10).astype({"Age": "str"})
    odd.loc[25, "Age"] = "old"
    odd.to_csv(tmp_path / "c.csv", index=False, header=False)
    asked = Request(_served(finished), tmp_path / "*.csv", tmp_path / "out.jsonl", ["PassengerId"], max_bad=0.1)

    outcome = predict_file(replace(asked, read=["header=first"]), _silent)

    assert (outcome.rows, outcome.bad) == (29, 1)
    (bad,) = (tmp_path / "out.jsonl.bad.jsonl").read_text(encoding="utf-8").splitlines()
    assert (json.loads(bad)["file"], json.loads(bad)["row"]) == (str(tmp_path / "c.csv"), 6)
    with pytest.raises(DatasetError, match=r"row 6 of .*c\.csv: column 'Age' holds 'old'"):
        predict_file(replace(asked, read=["header=first"], max_bad=0.0), _silent)
    with pytest.raises(DatasetError, match="or where its first line is a row: --read header=first"):
        predict_file(asked, _silent)
    rows.drop(columns="Cabin").tail(10).to_csv(tmp_path / "c.csv", index=False)
    rows.drop(columns="Age").iloc[10:20].to_csv(tmp_path / "b.csv", index=False)
    predict_file(replace(asked, keep=["*"], read=["header=union"]), _silent)
    found = pd.read_json(tmp_path / "out.jsonl", lines=True)
    assert found["Age"].isna().tolist()[10:20] == [True] * 10
    assert found["PassengerId"].tolist() == rows["PassengerId"].tolist()


def _marked(decimal: str, thousands: str | None) -> dict[str, Any]:
    marks = Marks(decimal, thousands)
    return {"marks": [decimal, thousands or ""], "pattern": marks.pattern.pattern, "datetimes": {}}


def test_marks_and_forms_of_times_are_read_and_others_told() -> None:
    frame = pd.DataFrame({"a": ["1.234,5", "12,5 ", "1575.44", None], "when": ["31.12.2024", "2024-12-31", None, None]})

    bad = read_as_written(
        frame, {"a": "number", "when": "date"}, _marked(",", ".") | {"datetimes": {"when": "%d.%m.%Y"}}
    )

    assert frame["a"].tolist()[:2] == [1234.5, 12.5]
    assert frame["when"][0] == pd.Timestamp("2024-12-31")
    assert bad == {
        1: {"column": "when", "reason": "column 'when' holds '2024-12-31', which is no date written like %d.%m.%Y"},
        2: {
            "column": "a",
            "reason": "column 'a' holds '1575.44', which is no number with ',' for decimals and '.' between thousands",
        },
    }, "pandas would take the point out and read 157544"
    frame = pd.DataFrame({"a": ["1.5", "1,5"]})
    assert list(read_as_written(frame, {"a": "number"}, _marked(",", None))) == [0]


def test_rows_that_are_odd_keep_their_numbers_where_there_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("about\n1;2\n1;2;3\n5;6\n", encoding="utf-8")
    file = RawFile(path, read_as({"separator": ";", "header": "none", "skip_rows": 1}))

    names = columns_of(file)
    (block,) = blocks(file, names, names)

    assert names == ["column1", "column2"]
    assert (block.rows, list(block.unreadable), block.number_of(1)) == (3, [2], 3)


def _served(project: Project) -> ServedModel:
    (described,) = project.root.glob("mlartifacts/**/MLmodel")
    return ServedModel.read(described.parent, f"{MODEL}@1")


def _silent(_: Progress) -> None:
    """Nobody looks."""


def _with_bad_rows(project: Project, place: Path) -> Path:
    lines = (project.root / "data" / "titanic" / "Titanic.csv").read_text(encoding="utf-8").splitlines()
    lines[3] += ",one too many"
    lines[6] = "6,1,3"
    cells = lines[8].split(",")
    cells[6] = "old"  # the name before it holds a comma
    lines[8] = ",".join(cells)
    path = place / "rows.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_bad_row_stops_it_unless_a_share_is_allowed_and_then_each_is_told(
    finished: Project, scored: Path, tmp_path: Path
) -> None:
    source, output = _with_bad_rows(finished, tmp_path), tmp_path / "out.csv"
    asked = Request(_served(finished), source, output, ["PassengerId"])

    with pytest.raises(DatasetError) as refused:
        predict_file(asked, _silent)
    with pytest.raises(DatasetError) as few:
        predict_file(replace(asked, max_bad=0.003), _silent)
    assert [item.name for item in tmp_path.iterdir()] == ["rows.csv"], "no output, no part, no lock is left"
    outcome = predict_file(replace(asked, max_bad=0.004), _silent)

    assert (
        refused.value.what
        == "3 of the 891 rows of rows.csv that were looked at cannot be scored: --max-bad allows none"
    )
    assert "row 3: the row has 13 fields, the header 12" in refused.value.why
    assert "row 8: column 'Age' holds 'old', which is no number" in refused.value.why
    assert "3 of the 891 rows of rows.csv cannot be scored" in few.value.what
    assert outcome == Outcome(888, 3, Path(f"{output}.bad.jsonl"), taken_up=0)
    bad = [json.loads(line) for line in Path(f"{output}.bad.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["row"], row["column"]) for row in bad] == [(3, ""), (6, ""), (8, "Age")]
    found, whole = pd.read_csv(output), pd.read_csv(scored)
    expected = whole.drop(index=[2, 5, 7])[list(found)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)


def test_broken_lines_of_json_are_told_by_their_numbers(finished: Project, tmp_path: Path) -> None:
    lines = _rows(finished).head(9).to_json(orient="records", lines=True).splitlines()
    lines[1] = lines[1][:20]
    lines[3] = "[1, 2]"
    lines[5] = re.sub(r'"Pclass":(\d)', r'"Pclass":[\1]', lines[5])
    lines.insert(7, "")
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")

    asked = Request(_served(finished), tmp_path / "rows.jsonl", tmp_path / "out.parquet", ["PassengerId"], max_bad=0.5)
    outcome = predict_file(asked, _silent)

    assert (outcome.rows, outcome.bad) == (6, 3)
    bad = (tmp_path / "out.parquet.bad.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["row"] for line in bad] == [2, 4, 6]
    assert pd.read_parquet(tmp_path / "out.parquet")["PassengerId"].tolist() == [1, 3, 5, 7, 8, 9]


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(finished: Project, tmp_path: Path) -> None:
    rows = _rows(finished)
    many = pd.concat([rows] * 120, ignore_index=True)
    many.assign(PassengerId=range(len(many))).to_csv(tmp_path / "rows.csv", index=False)
    command = [
        "keystage", "predict", f"{MODEL}@1", str(tmp_path / "rows.csv"), str(tmp_path / "out.csv"),
        "--keep", "PassengerId,Name", "--processes", "1",
    ]  # fmt: skip
    running = subprocess.Popen(
        command,
        cwd=finished.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )
    parts = tmp_path / "out.csv.parts"
    while running.poll() is None and not (parts / "000000.json").exists():
        pass
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "out.csv").exists()
    made = (parts / "000000.json").stat().st_mtime_ns

    went_on = finished.call(*command)
    again = finished.call(*[*command[:4], str(tmp_path / "again.csv"), *command[5:]])

    assert made
    assert "rows were scored by an earlier run" in went_on.stdout
    assert "by an earlier run" not in again.stdout
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert pd.read_csv(tmp_path / "out.csv")["PassengerId"].tolist() == list(range(len(many)))


@pytest.mark.parametrize(
    ("source", "changes", "said"),
    [
        ("LICENSE", {}, "--read format=csv"),
        ("src", {}, "holds no file whose ending is known"),
        ("data/titanic/*.tsv", {}, "no file matches"),
        ("data/titanic/Titanic.csv", {"read": ["seperator=;"]}, "did you mean 'separator'?"),
        ("data/titanic/Titanic.csv", {"read": ["separator=;"]}, "it was read with separator=;"),
        ("data/titanic/Titanic.csv", {"read": ["encoding=klingon"]}, "Python knows no 'klingon'"),
        ("data/titanic/Titanik.csv", {}, "does not exist"),
        ("data/co2/co2.csv", {}, "lacks columns Pclass, Sex"),
        ("data/titanic/Titanic.csv", {"keep": ["Nam"]}, "did you mean 'Name'?"),
        ("data/titanic/Titanic.csv", {"max_bad": 2}, "from 0 to 1"),
        ("data/titanic/Titanic.csv", {"output": Path("out.xls")}, ".csv, .parquet"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    finished: Project, tmp_path: Path, source: str, changes: dict[str, Any], said: str
) -> None:
    asked = replace(Request(_served(finished), finished.root / source, tmp_path / "out.csv"), **changes)

    with pytest.raises(DatasetError, match=re.escape(said)):
        predict_file(asked, _silent)

    assert not list(tmp_path.iterdir())


def test_a_version_that_is_not_there_is_said_with_those_that_are(finished: Project, tmp_path: Path) -> None:
    def said(reference: str) -> str:
        done = finished.call(
            "keystage", "predict", reference, "data/titanic/Titanic.csv", str(tmp_path / "out.csv"), ok=False
        )
        assert done.returncode == 1
        return done.stdout

    assert f"model {MODEL} has no version 'staging'\n  why: it has 1" in said(f"{MODEL}@staging")
    assert f"did you mean '{MODEL}'?" in said("TitanicSurvivalInital@1")


def test_a_pickle_is_refused_unless_allowed(finished: Project, tmp_path: Path) -> None:
    (described,) = finished.root.glob("mlartifacts/**/MLmodel")
    shutil.copy2(described, tmp_path / "MLmodel")
    safe = ServedModel.read(tmp_path, "M@1")
    safe.refuse_code(allowed=False)
    text = (tmp_path / "MLmodel").read_text(encoding="utf-8")
    (tmp_path / "MLmodel").write_text(text.replace("serialization_format: skops", "serialization_format: cloudpickle"))
    unsafe = ServedModel.read(tmp_path, "M@1")
    unsafe.refuse_code(allowed=True)

    with pytest.raises(ServingError, match="a format that runs code when it is read") as refusal:
        unsafe.refuse_code(allowed=False)

    assert "--allow-pickle" in refusal.value.fix
    assert list(safe.columns) == ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
