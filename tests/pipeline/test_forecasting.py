"""Forecasts, from the files to a registered model that takes rows of the future."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conftest import Project

pytestmark = pytest.mark.slow

ASK = """
import sys, mlflow, pandas as pd
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.pyfunc.load_model(sys.argv[1])
for name in sys.argv[2:]:
    rows = pd.read_parquet(name)
    rows.join(model.predict(rows)).to_parquet(name)
"""
CO2 = ("keystage", "run", "dataset=co2", "prep=forecast", "automl.metric=rmse", "registry.model_name=CO2")


def _asked(project: Project, model: str, **tables: pd.DataFrame) -> list[pd.DataFrame]:
    paths = [Path(f"{name}.parquet") for name in tables]
    for path, table in zip(paths, tables.values(), strict=True):
        table.to_parquet(project.root / path)
    project.call("python", "-c", ASK, model, *map(str, paths))
    return [pd.read_parquet(project.root / path) for path in paths]


def _json(project: Project, name: str) -> dict[str, dict[str, float]]:
    loaded: dict[str, dict[str, float]] = json.loads((project.root / name).read_text(encoding="utf-8"))
    return loaded


def _told(project: Project) -> Any:
    return json.loads((project.root / "reports/evaluation.json").read_text(encoding="utf-8"))


def test_one_series_from_its_files_to_next_years_values(new_project: Project) -> None:
    done = new_project.call(*CO2)

    assert "1 series, every 'MS', 5 periods filled; learning its difference to co2_lag_12" in done.stdout
    assert "validation: 2 folds of 12 periods, each later" in done.stdout
    assert "Registered version 1 of model CO2" in done.stdout
    metrics = _json(new_project, "reports/metrics.json")
    assert metrics["test"]["rmse"] < 0.5 < metrics["baseline"]["rmse"]
    told = _told(new_project)
    assert (told["task"], told["baseline"]["name"], told["primary"]) == ("forecasting", "seasonal naive", "rmse")
    assert "circular blocks" in told["interval"]["method"]
    rmse = told["metrics"]["rmse"]
    assert rmse["low"] < rmse["value"] < rmse["high"] < rmse["baseline"] == round(metrics["baseline"]["rmse"], 9)
    assert [item["column"] for item in told["importance"]] == ["co2", "month"], "the past, and the calendar"
    drawn = pd.read_csv(new_project.root / "reports/plots/forecast.csv")
    assert drawn["step"].tolist() == list(range(1, 13))
    assert drawn["actual"].between(drawn["low"], drawn["high"]).mean() >= 0.9
    asked = pd.read_parquet(new_project.root / "artifacts/raw_test.parquet").drop(columns="co2")
    assert list(asked) == ["month"]
    future = pd.DataFrame({"month": pd.date_range("2002-01-01", periods=12, freq="MS")})
    test, ahead = _asked(new_project, "models:/CO2/1", test=asked, ahead=future)
    stage = pd.read_parquet(new_project.root / "artifacts/predictions.parquet")
    assert test["predicted"].tolist() == stage["predicted"].tolist()
    assert (ahead["predicted"] - stage["actual"]).between(0.5, 3).all(), "a trend goes on, above all that was seen"
    assert test["low"].round(6).tolist() == drawn["low"].round(6).tolist(), "as the evaluation has them"
    assert ((ahead["high"] - ahead["low"]) > 0.1).all()

    told = " ".join(new_project.call("keystage", "lineage", "CO2@1").stdout.split())
    assert "recipe: the last 12 periods of each series kept for the test" in told
    new_project.call("keystage", "lineage", "CO2@1", "--picture", "lineage.svg")

    assert "Ran: conf, register" in new_project.call(*CO2).stdout
    ran = new_project.call(*CO2, "dataset.forecast.season=12").stdout
    assert "Ran: conf, dataprep, report, register" in ran, "the season that was found"
    ran = new_project.call(*CO2, "dataset.forecast.difference=false").stdout
    assert "Ran: conf, dataprep, train, evaluate, report, register" in ran
    assert _json(new_project, "reports/metrics.json")["test"]["rmse"] > metrics["test"]["rmse"]


def test_many_series_with_what_is_known_of_the_future(new_project: Project) -> None:
    draw = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=150)
    tables = []
    for number, shop in enumerate(("north", "south", "west")):
        offer = draw.integers(0, 2, len(days))
        sold = 20 * (number + 1) + 5 * (days.day_of_week == 5) + 8 * offer + draw.normal(size=len(days))
        tables.append(pd.DataFrame({"day": days, "shop": shop, "offer": offer, "sold": sold.round(2)}))
    rows = pd.concat(tables).drop(index=[70])
    (new_project.root / "data/shops").mkdir()
    rows.to_csv(new_project.root / "data/shops/sold.csv", index=False)
    (new_project.root / "conf/dataset/shops.yaml").write_text(
        "name: shops\npath: data/shops\nfiles: [sold.csv]\nlabel: sold\ntask: forecasting\ntime: day\n"
        "forecast: {horizon: 7, series: [shop], holidays: US}\n",
        encoding="utf-8",
    )

    new_project.call(
        "keystage", "run", "dataset=shops", "prep=forecast", "automl.metric=mae", "registry.model_name=Shops",
        "evaluation.segments=[shop]",
    )  # fmt: skip

    report = _json(new_project, "reports/data.json")
    told = report["forecast"]
    assert (told["series"], told["frequency"], told["season"], told["gaps_filled"]) == (3, "D", 7, 3)
    metrics = _json(new_project, "reports/metrics.json")
    assert metrics["test"]["rows"] == 21
    assert metrics["test"]["mae"] < metrics["baseline"]["mae"]
    told = _told(new_project)
    assert told["interval"]["method"] == "percentile bootstrap of 3 series with 21 rows, seeded"
    assert "intervals stand on 3 series only: they are narrower than they should be" in told["notes"]
    assert {item["column"] for item in told["importance"]} == {"shop", "day", "sold", "offer"}
    assert [item["column"] for item in told["dependence"]] == ["offer"], "of the others the model sees the past"
    on, off = (next(p for p in told["dependence"][0]["points"] if p["value"] == value) for value in (1.0, 0.0))
    assert on["predicted"]["value"] > off["predicted"]["value"] + 2
    assert [group["group"] for group in told["segments"][0]["groups"]] == ["north", "south", "west"]
    asked = pd.read_parquet(new_project.root / "artifacts/raw_test.parquet").drop(columns="sold")
    week = asked.assign(day=asked["day"] + pd.Timedelta(days=7), offer=[0, 1, 0, 1, 0, 1, 0] * 3)
    packed = next((new_project.root / "mlartifacts").rglob("MLmodel")).with_name("requirements.txt")
    assert "holidays==" in packed.read_text(encoding="utf-8")
    test, ahead = _asked(new_project, "models:/Shops/1", test=asked, ahead=week)
    stage = pd.read_parquet(new_project.root / "artifacts/predictions.parquet")
    assert test["predicted"].tolist() == stage["predicted"].tolist()
    by_shop = ahead.groupby("shop")["predicted"].mean()
    assert by_shop["north"] < by_shop["south"] < by_shop["west"]


def test_what_cannot_be_forecast_stops_dataprep_in_words(new_project: Project) -> None:
    path = new_project.root / "data/co2/co2.csv"
    text = path.read_text(encoding="utf-8")
    for spoil, override, what in (
        (text, "dataset.forecast.frequency=W-SUN", "times of dataset 'co2' do not fit the frequency 'W-SUN'"),
        (text, "dataset.forecast.horizon=250", "the series has 526 periods; at least 764 are needed"),
        (text + "2001-12-01,370\n", "seed=1", "the series of dataset 'co2' has a time twice"),
    ):
        path.write_text(spoil, encoding="utf-8")

        done = new_project.call(*CO2, override, ok=False)

        assert done.returncode == 1
        assert "error[dataset]: " in done.stdout
        assert what in done.stdout
        assert "Traceback" not in done.stdout
    done = new_project.call(*CO2, "prep=titanic", ok=False)
    assert "error[config]" in done.stdout
    assert "set prep.test_size=null" in done.stdout
