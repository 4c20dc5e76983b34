"""Every file of conf/ composes, and params.yaml is what conf/ gives."""

from pathlib import Path

import pytest
import yaml

from keystage.config.compose import compose
from keystage.core.params import flatten

ROOT = Path(__file__).parents[2]
MAX_COLUMNS = 76  # of parameters in `dvc exp show`; --only-changed shows those that differ
REQUIRED = {
    "tracking/server": ["tracking.uri=http://localhost:5000"],
    "dataset/co2": ["prep=forecast", "automl.metric=rmse"],
    "dataset/diabetes": ["automl.metric=rmse"],
    "prep/forecast": ["dataset=co2", "automl.metric=rmse"],
}


def _options() -> list[str]:
    return sorted(str(path.relative_to(ROOT / "conf").with_suffix("")) for path in (ROOT / "conf").glob("*/*.yaml"))


@pytest.mark.parametrize("option", _options())
def test_every_option_of_every_group_composes(option: str) -> None:
    group, name = option.split("/")
    key = "compute@compute.train" if group == "compute" else group

    composed = yaml.safe_load(compose(ROOT, [f"{key}={name}", *REQUIRED.get(option, [])]))

    assert composed["overrides"][0] == f"{key}={name}"


def test_the_committed_params_are_what_conf_gives() -> None:
    assert (ROOT / "params.yaml").read_text(encoding="utf-8") == compose(ROOT)


def test_dvc_exp_show_stays_readable() -> None:
    assert len(flatten(yaml.safe_load(compose(ROOT)))) <= MAX_COLUMNS
