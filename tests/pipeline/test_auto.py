"""A raw table without a recipe, that says itself which rows are the test: to a registered model."""

import json

from tests.conftest import Project

from keystage.serving.served import ServedModel


def test_a_raw_table_becomes_a_registered_model_that_was_tried_in_a_clean_process(new_project: Project) -> None:
    """Stage register loads the model by skops in a process of its own, and holds its answers against the stage's."""
    new_project.edit("conf/dataset/titanic.yaml", "files: [Titanic.csv, Titanic2.csv]", "files: [Titanic.csv]")
    new_project.append("conf/dataset/titanic.yaml", "test:\n  files: [Titanic2.csv]\n")
    told = new_project.call("keystage", "run", "prep=auto", "dataset.drop=[]").stdout
    report = json.loads((new_project.root / "reports/data.json").read_text("utf-8"))

    assert "The test rows are those that dataset.test gives; prep.test_size is not used" in told
    assert "auto: one_hot 2: Sex" in told
    assert "Registered version 1 of model TitanicSurvivalInitial" in told
    assert report["split"] == "given"
    assert report["rows"]["test"] == 418
    assert report["left_out_columns"] == {"PassengerId": "step 1 ('auto'): identifier: 891 of 891 values differ"}
    guardrails = {found["check"]: found for found in report["guardrails"]}
    assert (guardrails["identifier"]["outcome"], guardrails["identifier"]["columns"]) == ("fixed", ["PassengerId"])
    (described,) = new_project.root.glob("mlartifacts/**/MLmodel")
    assert "PassengerId" not in ServedModel.read(described.parent, "any").columns, "no step needs it"
    assert {entry["column"]: entry["use"] for entry in report["automatic"]["columns"]}["Name"] == "text"
    assert "auto: text (4 words on average)" in (new_project.root / "reports/report.html").read_text("utf-8")
