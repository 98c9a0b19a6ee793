"""Releases on real files and both databases: gated, whole, recorded once, never half there."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.engine import reading
from db.ledger import entries
from db.releases import release_items, release_rows
from services.delivery.checking import check_folder
from tests.delivery_catalog import Studio


@pytest.fixture
def studio(engine: Engine, home: Path) -> Studio:
    return Studio(engine, home)


def test_a_release_holds_the_approved_takes_and_says_what_they_are(studio: Studio, tmp_path: Path) -> None:
    chosen = studio.ids[:2]
    studio.approve(*chosen)
    outcome = studio.release(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert {file["take"] for file in manifest["files"]} == set(chosen)
    assert check_folder(tmp_path / "out").problems == ()
    with reading(studio.engine) as session:
        (row,) = release_rows(session, "game", manifests=True)
        items = release_items(session, row.id)
        kinds = [entry.kind for entry in entries(session, subject=row.id)]
    assert row.manifest == (tmp_path / "out" / "manifest.json").read_text()
    assert {item.path for item in items} == {file["path"] for file in manifest["files"]}
    assert kinds == ["release"]
    assert (outcome.takes, outcome.fresh, studio.settled) == (2, True, 1)
