"""Stage dataprep gives the same of a table in blocks as of one in memory, where the sample holds all of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from keystage.compute.spec import ComputeProfile, ComputeSpec
from keystage.core.errors import DatasetError
from keystage.data.columns import ColumnSpec, ColumnType
from keystage.data.given import GivenTest
from keystage.data.spec import DatasetSpec, Task
from keystage.data.stream import StreamSpec, TrainOn
from keystage.data.streamed import blocks
from keystage.pipeline import workspace
from keystage.pipeline.dataprep import DataprepParams, dataprep
from keystage.prep.spec import PrepSpec, TransformSpec

TABLES = (workspace.TRAIN_TABLE, workspace.TEST_TABLE, workspace.RAW_TEST, workspace.ASIDE_TEST)
PREP = PrepSpec(
    0.25, [TransformSpec("fill", ["x", "n"], {"strategy": "mean"}), TransformSpec("codes", ["word", "other"])]
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table of 6,000 rows, of which small blocks are read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 60_000)
    rng = np.random.default_rng(3)
    rows = 6000
    table = pd.DataFrame(
        {
            "id": np.arange(rows),
            "x": pd.Series(rng.normal(size=rows).round(3)).mask(rng.random(rows) < 0.1),
            "n": pd.Series(rng.integers(0, 50, rows).astype("float64")).mask(rng.random(rows) < 0.1),
            "word": rng.choice(["one", "two", 'a "third"'], rows),
            "other": pd.Series(rng.choice([f"w{place}" for place in range(40)], rows)).mask(rng.random(rows) < 0.1),
            "group": rng.integers(0, 300, rows),
            "weight": rng.random(rows).round(2),
            "fold": rng.integers(-1, 3, rows),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
            "part": rng.choice(["train", "test", "validation"], rows),
            "y": rng.integers(0, 2, rows),
            "yes": pd.Series(rng.random(rows) < 0.4).astype("object").mask(rng.random(rows) < 0.1),
        }
    )
    (tmp_path / "data").mkdir()
    table.to_csv("data/a.csv", index=False)
    table.tail(500).to_csv("data/v.csv", index=False)
    workspace.write_json({}, workspace.DATASET_NOTE)
    return tmp_path


def _prepared(
    stream: StreamSpec | None, prep: PrepSpec = PREP, **changes: Any
) -> tuple[list[pd.DataFrame], dict[str, Any], bytes]:
    spec = DatasetSpec(
        ["a.csv"], "y", Task.classification, "t", "data", drop=["id", "day", "part", "yes"], stream=stream
    )
    profile = ComputeProfile(cores=2)
    dataprep(DataprepParams(7, replace(spec, **changes), prep, ComputeSpec(*[profile] * 5)))
    tables = [pd.read_parquet(path) for path in TABLES]
    assert not workspace.STAGED.exists()
    return tables, workspace.read_json(workspace.DATA_REPORT), workspace.RECIPE.read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"validation_files": ["v.csv"], "weight": "weight"},
        {"group": "group", "time": "day", "fold": "fold"},
        {"time": "day"},
        {"task": Task.regression, "label": "weight"},
        {"test": GivenTest(column="part")},
        {"test": GivenTest(files=["v.csv"])},
    ],
)
def test_all_that_is_written_is_what_a_table_in_memory_gives(changes: dict[str, Any]) -> None:
    at_once, told, recipe = _prepared(None, **changes)

    for train_on in [TrainOn.sample] if "test" in changes else list(TrainOn):
        tables, report, fitted = _prepared(StreamSpec(10_000, train_on), **changes)

        for expected, found in zip(at_once, tables, strict=True):
            pd.testing.assert_frame_equal(found, expected)
        assert fitted == recipe
        assert report.pop("sample")["is_all"]
        assert json.dumps(report) == json.dumps(told)


@pytest.mark.parametrize("stream", [None, StreamSpec(2000), StreamSpec(2000, TrainOn.all)])
def test_a_label_of_booleans_is_one_where_it_has_gaps_too(stream: StreamSpec | None) -> None:
    declared = {"label": "yes", "drop": ["id", "day", "part"], "columns": [ColumnSpec("yes", ColumnType.boolean)]}

    [train, _, raw_test, _], report, _ = _prepared(stream, **declared)

    assert (train["yes"].dtype, raw_test["yes"].dtype) == ("bool", "bool")
    assert list(report["label"]["rows_per_class"]) == ["False", "True"]


def test_a_sample_goes_on_in_the_proportions_of_the_table(caplog: pytest.LogCaptureFixture) -> None:
    whole, told, _ = _prepared(None)

    with caplog.at_level("INFO", "keystage"):
        [train, test, raw_test, aside], report, _ = _prepared(StreamSpec(2000))

    assert (len(train), len(test), len(raw_test), len(aside)) == (1500, 500, 500, 500)
    assert train["y"].mean() == pytest.approx(whole[0]["y"].mean(), abs=0.001)
    assert report["sample"] == {"rows": 2000, "of": 6000, "train_on": "sample", "is_all": False}
    assert "Read 6,000 rows; a sample of 2,000 of them goes on" in caplog.text
    assert report["rows"] == {**told["rows"], "train": 1500, "test": 500}
    for found, exact in zip(report["profile"], told["profile"], strict=True):
        same = ["column", "type", "count", "missing", "infinite"]
        same += ["distinct", "top"] if found["column"] in {"word", "other", "day", "part", "yes"} else []
        assert {name: found[name] for name in same} == {name: exact[name] for name in same}
        assert ("sampled" in found) == (found["column"] not in {"word", "other", "day", "part", "yes"})
        for name in ("mean", "std", "skew"):
            same_number = exact[name] is None or pytest.approx(exact[name], rel=1e-6, abs=1e-9)
            assert found[name] == same_number or found[name] is exact[name]
        for level in ("0", "1") if found["quantiles"] else ():
            assert found["quantiles"][level] == exact["quantiles"][level]
    outcomes = {found["check"]: found for found in report["guardrails"]}
    assert outcomes["duplicate_rows"]["sampled"] == outcomes["leaking"]["sampled"] == 2000
    assert outcomes["few_rows"]["numbers"]["rows"] == 6000
    assert outcomes["missing_values"]["numbers"] == next(
        found["numbers"] for found in told["guardrails"] if found["check"] == "missing_values"
    )


def test_of_a_large_table_all_rows_are_prepared_by_the_recipe_of_the_sample() -> None:
    whole, told, _ = _prepared(None, validation_files=["v.csv"])

    tables, report, _ = _prepared(StreamSpec(2000, TrainOn.all), validation_files=["v.csv"])

    assert report["rows"] == told["rows"]
    for expected, found in zip(whole, tables, strict=True):
        assert found.dtypes.to_dict() == expected.dtypes.to_dict()
        pd.testing.assert_frame_equal(found.drop(columns=["x", "n"], errors="ignore"),
                                      expected.drop(columns=["x", "n"], errors="ignore"))  # fmt: skip
    filled = whole[0]["x"] != tables[0]["x"]
    assert 0 < filled.sum() < 700  # the mean of another sample


def test_rows_that_the_recipe_was_fitted_on_are_not_told_their_own_label() -> None:
    by_label = PrepSpec(0.25, [TransformSpec("fill", ["x", "n"]), TransformSpec("target", ["word", "other"])])

    whole, _, recipe = _prepared(None, by_label)
    tables, _, fitted = _prepared(StreamSpec(10_000, TrainOn.all), by_label)
    some, _, _ = _prepared(StreamSpec(3000, TrainOn.all), by_label)

    assert fitted == recipe
    for expected, found in zip(whole, tables, strict=True):
        pd.testing.assert_frame_equal(found, expected)
    # Of rows outside of the sample, a text has one code; of those within, one for each fold.
    assert some[0]["word"].nunique() > some[1]["word"].nunique() == 3


def test_given_test_rows_and_all_rows_exclude_each_other() -> None:
    with pytest.raises(ValueError, match=r"train_on=all draws the test rows, and dataset\.test gives"):
        _prepared(StreamSpec(2000, TrainOn.all), test=GivenTest(column="part"))


def test_what_is_staged_is_gone_after_an_error_too() -> None:
    with pytest.raises(DatasetError, match="time column 'word' of dataset 't' holds"):
        _prepared(StreamSpec(2000, TrainOn.all), time="word")

    assert not workspace.STAGED.exists()
