"""Composing conf/: what is wrong is said in words, and what is stale is found."""

import shutil
from pathlib import Path

import pytest
import yaml

from keystage.config.compose import compose, require_in_sync, write_params
from keystage.core.errors import ConfigError, StaleParamsError
from keystage.core.params import load_params
from keystage.pipeline.train import TrainParams

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    write_params(tmp_path, ["automl=thorough", "automl.time_budget=20"])
    return tmp_path


@pytest.mark.parametrize(
    ("override", "why", "fix"),
    [
        ("automl=thorogh", "Could not find 'automl/thorogh'", "did you mean 'thorough'?"),
        ("automl.metrc=f1", "automl.metrc", "did you mean 'metric'?"),
        ("automl.metric=auc", "automl.metric 'auc' is unknown: take roc_auc", "conf/"),
        ("automl.validation.folds=many", "could not be converted to Integer", "conf/"),
        ("automl.validation.folds=1", "automl.validation.folds must be 2 or more", "conf/"),
        ("automl.validation.repeats=0", "automl.validation.repeats must be 1 or more", "conf/"),
        ("automl.validation.share=1.0", "automl.validation.share must be between 0 and 1", "conf/"),
        ("automl.validation.kind=fold", "expected one of [auto, folds, holdout, groups, time, column]", "conf/"),
        ("automl.validation.kind=groups", "kind=groups needs dataset.group", "conf/"),
        ("automl.validation.kind=time", "kind=time needs dataset.time", "conf/"),
        ("automl.validation.kind=column", "kind=column needs dataset.fold", "conf/"),
        ("automl.calibration=platt", "expected one of [none, sigmoid, isotonic, temperature]", "conf/"),
        ("automl.ensemble=stack", "expected one of [greedy, stacking, none]", "conf/"),
        ("automl.threshold=0.3", "no threshold is best for 0.3", "conf/"),
        ("automl.class_weight=even", "expected one of [balanced]", "conf/"),
        ("prep.split=none", "expected one of [auto, random, groups, time]", "conf/"),
        ("dataset.test.files=[b.csv]", "dataset.test is a group of settings that is null", "conf/experiment/"),
        ("dataset.forecast={horizon:3}", "is a group of settings that is null", "declare dataset.forecast"),
        ("prep.split=time", "prep.split=time needs dataset.time", "conf/"),
        ("dataset.weight=Survived", "names column 'Survived' twice among label, weight", "conf/"),
        ("dataset.validation_files=[Titanic.csv]", "dataset.validation_files names a file twice", "conf/"),
        ("prep.test_size=1.5", "prep.test_size must be between 0 and 1", "conf/"),
        ("dataset.label=Name", "dataset.drop contains the label 'Name'", "conf/"),
        ("compute.train.cores=-1", "compute cores must be 0 (all) or more", "conf/"),
        ("registry.model_name=a/b", "holds one of", "conf/"),
        ("tracking=server", "tracking.uri", "keystage run tracking=server tracking.uri=VALUE"),
        ("seeed=1", "seeed", "did you mean 'seed'?"),
        ("dataset.guardrails.leaking=fail", "dataset.guardrails.leaking", "+dataset.guardrails.leaking=VALUE"),
        ("+dataset.guardrails.leeking=fail", "dataset.guardrails has no 'leeking': did you mean 'leaking'?", "conf/"),
        ("+dataset.guardrails.leaking=off", "Invalid value 'off', expected one of [alert, fail, skip]", "conf/"),
        ("seed", "seed", "conf/"),
        ("seed=-1", "seed must be between 0 and", "conf/"),
        ("+foo=1", "foo", "choose from: seed"),
        ("dataset.path=/etc", "dataset.path '/etc' must be a folder of the project", "conf/"),
        ("dataset.columns=[{name: a, type: text}]", "expected one of [integer", "conf/"),
        ("experiment=f2", "Could not find 'experiment/f2'", "choose from: f1"),
    ],
)
def test_a_wrong_override_is_refused_in_words(override: str, why: str, fix: str) -> None:
    with pytest.raises(ConfigError, match="conf/ cannot be composed") as caught:
        compose(ROOT, [override])

    assert why in caught.value.why
    assert fix in caught.value.fix
    assert caught.value.exit_code == 2


def test_groups_that_are_null_can_be_given_in_part_and_are_held_to_their_types() -> None:
    text = compose(ROOT, ["+dataset.read.separator=tab", "dataset.rows={sample:0.5}"])
    loaded = yaml.safe_load(text)["dataset"]

    assert (loaded["read"], loaded["rows"]) == ({"separator": "tab"}, {"sample": 0.5})
    for override, told in (
        ("+dataset.read.separater=tab", "did you mean 'separator'?"),
        ("dataset.read.separator=tab", "is given with a plus: +dataset.read.separator=VALUE"),
    ):
        with pytest.raises(ConfigError) as caught:
            compose(ROOT, [override])
        assert told in caught.value.fix


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (["dataset=co2"], "set prep.test_size=null and prep.split=auto"),
        (["dataset=co2", "prep=forecast"], "'roc_auc' is none of regression"),
        (["dataset=co2", "prep=forecast", "automl.metric=rmse", "automl.calibration=sigmoid"], "is of probabilities"),
        (["dataset=co2", "prep=forecast", "dataset.forecast.horizon=0"], "horizon must be 1 or more"),
        (["dataset=co2", "prep=forecast", "dataset.forecast.lag=[12]"], "forecast.lag"),
        (["dataset=co2", "prep=forecast", "automl.metric=rmse", "automl.validation.kind=folds"], "before those they"),
        (["prep=forecast"], "suits dataset.task=forecasting alone"),
        (["dataset.task=forecasting"], "need each other"),
    ],
)
def test_a_forecast_that_contradicts_itself_is_refused(overrides: list[str], why: str) -> None:
    with pytest.raises(ConfigError, match="conf/ cannot be composed") as caught:
        compose(ROOT, overrides)

    assert why in caught.value.why


def test_a_file_in_conf_that_is_no_yaml_is_refused(root: Path) -> None:
    (root / "conf" / "automl" / "thorough.yaml").write_text("metric: [", encoding="utf-8")

    with pytest.raises(ConfigError, match="conf/ cannot be composed") as caught:
        compose(root, ["automl=thorough"])

    assert "thorough.yaml" in caught.value.why


def test_params_in_sync_pass_and_comments_do_not_matter(root: Path) -> None:
    path = root / "conf" / "automl" / "thorough.yaml"
    path.write_text("# another comment\n" + path.read_text(encoding="utf-8"), encoding="utf-8")

    require_in_sync(root)


def test_an_edit_of_an_option_that_is_not_in_force_does_not_matter(root: Path) -> None:
    (root / "conf" / "automl" / "quick.yaml").unlink()
    shutil.copy(root / "conf" / "automl" / "smoke.yaml", root / "conf" / "automl" / "quick.yaml")

    require_in_sync(root)


@pytest.mark.parametrize("name", ["conf/automl/thorough.yaml", "params.yaml"])
def test_an_edit_of_conf_or_of_params_is_found_with_its_value_and_mend(root: Path, name: str) -> None:
    path = root / name
    path.write_text(path.read_text(encoding="utf-8").replace("folds: 10", "folds: 7"), encoding="utf-8")

    with pytest.raises(StaleParamsError, match=r"params\.yaml is not what conf/ gives with automl=thorough") as caught:
        require_in_sync(root)

    assert "automl.validation.folds is" in caught.value.why
    assert "keystage compose automl=thorough automl.time_budget=20" in caught.value.fix


def test_a_missing_or_broken_params_file_is_an_error(root: Path) -> None:
    (root / "params.yaml").write_text("seed: [", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"params.yaml cannot be read"):
        require_in_sync(root)

    (root / "params.yaml").unlink()
    with pytest.raises(ConfigError, match=r"params.yaml is missing"):
        require_in_sync(root)


def test_sections_are_loaded_with_their_types(root: Path) -> None:
    params = load_params(TrainParams, root / "params.yaml")

    assert params.automl.metric == "roc_auc"
    assert params.automl.time_budget == 20.0
    assert params.compute.train.cores == 0
