"""What stage register did last is taken for what it would do now only while nothing has changed."""

import os
from pathlib import Path

import pytest

from keystage.pipeline.outcome import Outcome
from keystage.pipeline.receipt import Receipt
from keystage.registry.gate import Finding, Judgement

JUDGEMENT = Judgement((Finding("size", passed=True, says="2 MB are at most 5 MB"),), "settings", "1")


@pytest.fixture
def receipt(tmp_path: Path) -> Receipt:
    """One that was kept."""
    (tmp_path / "mlflow.db").write_bytes(b"as it was")
    made = Receipt(tmp_path / "registered.json", "key", tmp_path / "mlflow.db")
    made.keep(Outcome("3", JUDGEMENT, ("champion",)))
    return made


def test_an_outcome_stands_while_nothing_has_changed(receipt: Receipt) -> None:
    found = receipt.outcome()

    assert found is not None
    assert (found.version, found.aliases) == ("3", ("champion",))
    assert found.judgement.words == JUDGEMENT.words
    assert Receipt(receipt.file, "another key", receipt.store).outcome() is None


@pytest.mark.parametrize("name", ["mlflow.db", "mlflow.db-wal"])
def test_a_store_that_was_written_to_is_asked_again(receipt: Receipt, name: str) -> None:
    file = receipt.file.with_name(name)
    file.write_bytes(b"as it WAS")
    os.utime(file, ns=(0, 1))

    assert receipt.outcome() is None


def test_a_store_that_is_gone_or_a_server_is_asked(receipt: Receipt) -> None:
    assert receipt.store is not None
    receipt.store.unlink()

    assert receipt.outcome() is None
    assert Receipt(receipt.file, "key", None).outcome() is None


def test_what_became_no_version_is_not_kept(receipt: Receipt) -> None:
    receipt.file.unlink()
    receipt.keep(Outcome(None, JUDGEMENT))

    assert not receipt.file.exists()
