"""Reviews and contributions on both databases: the newest counts, nothing is written twice, who did what stays told."""

import errno
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from db.engine import reading, writing
from db.ledger import ClockError, entries
from db.releases import contributions, derivations, newest_reviews, reviews
from db.rights_tables import LedgerEntry
from db.tables import Take
from services.catalog.checking import collect_garbage
from services.catalog.lock import CatalogBusyError, whole_home
from services.delivery import records
from services.delivery.contributions import Part, contribute
from services.delivery.errors import DeliveryError
from services.delivery.reviews import Decision, Reviewed, review, undecided
from services.mastering.encode import encode
from tests.catalog_rows import new_order, new_take, order_takes
from tests.delivery_catalog import EXPRESSION, Studio, failing_take, noise

ADA, BEN = "Ada Lovelace", "Ben Jonson"


def decided(studio: Studio) -> dict[str, tuple[str, str]]:
    with reading(studio.engine) as session:
        return {id_: (row.decision, row.by) for id_, row in newest_reviews(session, studio.ids).items()}


def kinds(studio: Studio, id_: str) -> list[tuple[str, str]]:
    with reading(studio.engine) as session:
        return [(row.kind, row.by) for row in contributions(session, [id_]).get(id_, [])]


def on_record(studio: Studio, kind: str) -> list[dict[str, object]]:
    with reading(studio.engine) as session:
        return [json.loads(row.entry) for row in entries(session, kind=kind)]


def test_the_newest_review_counts_and_none_is_changed(studio: Studio) -> None:
    first = studio.ids[0]
    review(studio.engine, [first], Decision("approve", ADA, "fits"))
    review(studio.engine, [first], Decision("reject", BEN, "too loud"))
    assert decided(studio) == {first: ("reject", BEN)}
    with reading(studio.engine) as session:
        assert [row.decision for row in reviews(session, [first])[first]] == ["approve", "reject"]
    assert [entry["subject"] for entry in on_record(studio, "review")] == [first, first]


def test_the_same_decision_of_the_same_person_is_not_written_again(studio: Studio) -> None:
    again = [review(studio.engine, studio.ids[:2], Decision("approve", ADA, "fits")) for _ in range(2)]
    assert [row.new for row in again[0] + again[1]] == [True, True, False, False]
    assert not any(row.contributions for row in again[1])
    assert review(studio.engine, studio.ids[:1], Decision("approve", ADA))[0].new is False
    assert review(studio.engine, studio.ids[:1], Decision("approve", ADA, "still fits"))[0].new is True
    assert review(studio.engine, studio.ids[:1], Decision("approve", BEN))[0].new is True


def test_a_decision_comes_after_the_one_before_although_the_clock_ran_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By less than what is refused."""
    first = studio.ids[0]
    studio.approve(first)
    monkeypatch.setattr(records, "datetime", clock(datetime.now(UTC) - timedelta(seconds=30)))
    review(studio.engine, [first], Decision("reject", BEN))
    assert decided(studio) == {first: ("reject", BEN)}


def test_a_machine_whose_clock_is_far_behind_decides_nothing(one: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    one.approve(one.ids[0])
    monkeypatch.setattr(records, "datetime", clock(datetime(2026, 1, 1, tzinfo=UTC)))
    with pytest.raises(ClockError, match="set the clock"):
        one.approve(one.ids[1])


def clock(now: datetime) -> type[datetime]:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return now

    return Stopped


def test_takes_without_sound_cannot_be_approved_and_all_are_named(one: Studio) -> None:
    failed = failing_take(one)
    order_takes(one.engine, [new_take(n) for n in range(4)], new_order("edited"))  # the boss is superseded
    with pytest.raises(DeliveryError) as raised:
        one.approve(*one.ids, failed)
    assert "superseded" in str(raised.value) and one.ids[4][:12] in str(raised.value)
    assert failed[:12] in str(raised.value)
    assert decided(one) == {}
    assert review(one.engine, [one.ids[4]], Decision("reject", ADA))[0].new


def test_a_planned_take_cannot_be_approved(one: Studio) -> None:
    with writing(one.engine) as session:
        session.execute(update(Take).where(Take.id == one.ids[0]).values(status="planned", pcm_sha256=None))
    with pytest.raises(DeliveryError, match="has no sound yet"):
        one.approve(one.ids[0])


def test_choosing_one_of_several_variations_is_a_selection(studio: Studio) -> None:
    night, boss = studio.ids[:2], studio.ids[4]
    assert review(studio.engine, night[:1], Decision("approve", ADA))[0].contributions == ("selection",)
    assert kinds(studio, night[0]) == [("selection", ADA)]
    with reading(studio.engine) as session:
        (row,) = contributions(session, night[:1])[night[0]]
    assert "2 variations" in row.note
    assert [row.contributions for row in review(studio.engine, studio.ids[2:4], Decision("approve", ADA))] == [(), ()]
    assert review(studio.engine, [boss], Decision("approve", ADA))[0].contributions == ()
    assert review(studio.engine, night[1:], Decision("reject", ADA))[0].contributions == ()


def test_contributions_named_with_a_review_are_the_reviewer_s(one: Studio) -> None:
    (row,) = review(one.engine, [one.ids[4]], Decision("approve", ADA, "", ("lyrics", "mixing", "lyrics")))
    assert row == Reviewed(one.ids[4], "approve", ADA, True, ("lyrics", "mixing"))
    assert [entry["subject"] for entry in on_record(one, "contribution")] == [one.ids[4]]


def test_all_of_a_catalog_means_what_nobody_decided_on(studio: Studio) -> None:
    review(studio.engine, [studio.ids[0]], Decision("reject", ADA))
    assert undecided(studio.engine, "game") == (studio.ids[1:], 1, 0)
    assert undecided(studio.engine, "game", "combat") == (studio.ids[1:], 1, 0)
    assert undecided(studio.engine, "game", "calm") == ([], 0, 0)


def added(studio: Studio, part: Part, number: int = 0) -> tuple[bool, str | None, str | None]:
    found = contribute(studio.engine, studio.home, studio.store, studio.takes()[studio.ids[number]], part)
    return found.new, found.sha256, found.derivation


def test_a_contribution_keeps_its_file_through_gc(studio: Studio, tmp_path: Path) -> None:
    lyrics = tmp_path / "lyrics.txt"
    lyrics.write_text("la la la\n")
    new, sha256, derivation = added(studio, Part("lyrics", ADA, "three lines\nof text", lyrics))
    assert (new, derivation) == (True, None)
    assert sha256 is not None
    assert collect_garbage(studio.engine, studio.store) == (0, 0)
    assert studio.store.open(sha256).read() == b"la la la\n"
    assert added(studio, Part("lyrics", ADA, "three lines\nof text", lyrics))[0] is False
    assert len(on_record(studio, "contribution")) == 1


def test_an_edit_comes_from_the_take_s_master(studio: Studio, tmp_path: Path) -> None:
    edited = tmp_path / "edited.wav"
    encode(noise(99), "wav", edited)
    new, sha256, derivation = added(studio, Part("edit", ADA, "shorter", edited))
    with reading(studio.engine) as session:
        (row,) = derivations(session, [studio.ids[0]])[studio.ids[0]]
    master = next(asset for asset in studio.takes()[studio.ids[0]].assets if asset.pcm_sha256)
    assert (new, derivation) == (True, row.id)
    assert (row.sha256, row.source_sha256, row.kind, row.by) == (sha256, master.sha256, "edit", ADA)
    assert row.expression == EXPRESSION
    assert [entry["subject"] for entry in on_record(studio, "derivation")] == [row.id]


def test_what_is_no_edit_is_refused_and_nothing_is_kept(one: Studio, tmp_path: Path) -> None:
    text, empty = tmp_path / "edit.wav", tmp_path / "empty.txt"
    text.write_text("no sound")
    empty.touch()
    master = next(asset for asset in one.takes()[one.ids[0]].assets if asset.pcm_sha256)
    before = sorted(blob.sha256 for blob in one.store.digests())
    for part, told in (
        (Part("edit", ADA, "", text), "no sound"),
        (Part("lyrics", ADA, "", empty), "is empty"),
        (Part("lyrics", ADA, "", tmp_path), "no file"),
        (Part("melody", ADA, "", tmp_path / "missing.mid"), "no file"),
        (Part("edit", ADA, "", one.store.path(master.sha256)), "own master"),
    ):
        with pytest.raises(DeliveryError, match=told):
            added(one, part)
    assert sorted(blob.sha256 for blob in one.store.digests()) == before
    assert on_record(one, "contribution") == []


def test_a_file_that_cannot_be_read_is_named_and_not_the_store(
    one: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, opened = tmp_path / "words.txt", Path.open
    words.write_text("la la")

    def refused(path: Path, *given: Any, **named: Any) -> Any:
        if path == words:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *given, **named)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(DeliveryError, match=r"words\.txt: Permission denied"):
        added(one, Part("lyrics", ADA, "", words))


def test_a_contribution_waits_for_no_gc(one: Studio) -> None:
    with whole_home(one.home), pytest.raises(CatalogBusyError):
        added(one, Part("lyrics", ADA))


def test_no_review_is_recorded_without_its_ledger_entry(studio: Studio) -> None:
    studio.approve()
    with reading(studio.engine) as session:
        recorded = {id_ for rows in reviews(session, studio.ids).values() for id_ in (row.id for row in rows)}
        told = [json.loads(row.entry)["body"]["rows"] for row in session.query(LedgerEntry).filter_by(kind="review")]
    assert {id_ for rows in told for id_ in rows["review"]} == recorded
