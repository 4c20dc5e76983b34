"""The record of a registered version: what makes it another, what finds it, and what it says when it is not there."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from keystage.core.errors import DatasetError
from keystage.data.version import DatasetVersion, VersionFile, digest_of, find, from_text, require_name, short, versions
from keystage.pipeline.datasets import content_of

ONE = DatasetVersion(
    name="sales",
    version="abcd1234",
    digest="abcd1234" * 8,
    path="data/sales",
    files=(VersionFile("a.csv", "1" * 32, 10), VersionFile("b.csv", "2" * 32, 20, side="validation")),
    reading={"missing": [""], "types": {"a": "integer"}},
    registered="2026-01-01T00:00:00+00:00",
    rows=3,
    columns={"a": {"type": "number", "missing": 0}},
    tags={"source": "crm"},
)


def _written(root: Path, *found: DatasetVersion) -> None:
    for version in found:
        path = root / version.record
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(version.as_yaml(), encoding="utf-8")


def test_a_record_is_read_as_it_was_written() -> None:
    assert from_text(ONE.as_yaml(), "x") == ONE
    assert (ONE.shown, ONE.size) == ("sales@abcd1234", 30)


def test_content_order_validation_and_reading_make_another_version_and_names_do_not() -> None:
    files = [("1" * 32, "train"), ("2" * 32, "train")]

    digests = {
        digest_of(files, {"missing": [""]}),
        digest_of(files[::-1], {"missing": [""]}),
        digest_of([files[0], ("2" * 32, "validation")], {"missing": [""]}),
        digest_of(files, {"missing": ["", "NA"]}),
    }

    assert len(digests) == 4
    dataset = {"files": ["x.csv", "y.csv"], "missing": [""], "name": "any"}
    renamed = {"files": ["z.csv", "y.csv"], "missing": [""], "read": None}
    assert content_of(dataset, {"x.csv": "1", "y.csv": "2"}) == content_of(renamed, {"z.csv": "1", "y.csv": "2"})


@pytest.mark.parametrize("digest", ["1234567e89abcdef", "00000000c1234567", "12e45678a0000000", "abcdef0123456789"])
def test_a_version_is_a_text_to_yaml_whatever_its_digits(digest: str) -> None:
    assert yaml.safe_load(short(digest)) == short(digest)


def test_versions_are_found_by_their_start_and_the_latest_by_its_time(tmp_path: Path) -> None:
    later = replace(ONE, version="abff0000", registered="2026-02-01T00:00:00+00:00")
    _written(tmp_path, ONE, later, replace(ONE, name="other"))

    assert [version.version for version in versions(tmp_path, "sales")] == ["abcd1234", "abff0000"]
    assert find(tmp_path, "sales", "latest") == later
    assert find(tmp_path, "sales", "abc") == ONE
    with pytest.raises(DatasetError, match="'ab' begins several versions of 'sales'"):
        find(tmp_path, "sales", "ab")


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    _written(tmp_path, ONE)

    with pytest.raises(DatasetError, match="no version 'abcd1235'") as error:
        find(tmp_path, "sales", "abcd1235")
    assert "did you mean 'abcd1234'?" in error.value.fix
    with pytest.raises(DatasetError, match="no version 'latest'") as error:
        find(tmp_path, "nothing", "latest")
    assert error.value.fix == "register what is in the workspace: keystage dataset register nothing"
    with pytest.raises(DatasetError, match="is no record"):
        from_text("name: x\n", "datasets/x/y.yaml")
    with pytest.raises(DatasetError, match="cannot be the name"):
        require_name("../x")
