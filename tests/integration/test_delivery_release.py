"""Releases on real files and both databases: gated, whole, recorded once, never half there."""

import errno
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from db.acceptance import add_acceptances
from db.engine import reading, writing
from db.ledger import entries
from db.releases import add_release, newest_reviews, release_items, release_rows
from db.rights_tables import UNJUDGED, Verdict
from db.rows import AcceptanceRow
from services.catalog.lock import CatalogBusyError, catalog_lock
from services.delivery import folder
from services.delivery import release as release_module
from services.delivery.checking import check_folder
from services.delivery.errors import ChangedMeanwhileError, DamagedMasterError, DeliveryError
from services.delivery.listing import releases
from services.delivery.recorded import release_problems
from services.delivery.release import Near, Outcome
from services.delivery.reviews import Decision, review
from services.delivery.targets import plain
from services.delivery.withdrawal import withdraw
from services.rights.refusal import RefusedError
from tests.catalog_rows import new_order, new_take, order_takes
from tests.delivery_catalog import CREDIT, EXPRESSION, FACT, SOURCE, Studio, tagged

ADA = "Ada Lovelace"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def manifest(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "manifest.json").read_bytes())
    return found


def leftovers(out: Path) -> list[str]:
    return sorted(entry.name for entry in out.parent.iterdir() if entry.name.startswith(".cueworks-release"))


def counted(studio: Studio) -> int:
    with reading(studio.engine) as session:
        return sum(1 for _ in entries(session, kind="release"))


def nothing_came(studio: Studio, out: Path) -> bool:
    with reading(studio.engine) as session:
        rows = list(release_rows(session)) + list(session.query(Verdict).filter_by(stage="release"))
    return not rows and not out.exists() and not leftovers(out) and counted(studio) == 0


def test_a_release_holds_the_approved_takes_and_says_what_they_are(studio: Studio, out: Path) -> None:
    chosen = studio.ids[:2]
    studio.approve(*chosen)
    review(studio.engine, studio.ids[2:3], Decision("reject", ADA))
    outcome = studio.release(out)
    told = manifest(out)
    assert {file["take"] for file in told["files"]} == set(chosen)
    assert check_folder(out).problems == ()
    with reading(studio.engine) as session:
        (row,) = release_rows(session, "game", manifests=True)
        items = release_items(session, row.id)
        kinds = [entry.kind for entry in entries(session, subject=row.id)]
        verdicts = {found.take_id for found in session.query(Verdict).filter_by(stage="release")}
    assert row.manifest == (out / "manifest.json").read_text()
    assert {(item.path, item.sha256) for item in items} == {(file["path"], file["sha256"]) for file in told["files"]}
    assert (kinds, verdicts) == (["release"], set(chosen))
    assert (outcome.takes, outcome.fresh, studio.settled) == (2, True, 1)
    assert leftovers(out) == []


def test_every_file_says_where_it_comes_from(one: Studio, out: Path) -> None:
    one.approve(one.ids[0])
    one.release(out)
    take, told = one.takes()[one.ids[0]], manifest(out)
    assert [file["role"] for file in told["files"]] == ["loop-info", "midi", "mix", "mix", "stem:drums"]
    mix = next(file for file in told["files"] if file["path"].endswith("mix.flac"))
    known = {"take": take.id, "generator": "empty", "revision": "1", "seed": take.seed, "facts": [FACT],
             "verdict": "allowed-with-duties", "duties": ["name the generator"], "licence": EXPRESSION}  # fmt: skip
    assert known.items() <= mix.items()
    assert mix["source_sha256"] == take.assets[0].sha256 != mix["sha256"]
    assert told["facts"][FACT]["source"] == SOURCE
    assert take.prompt not in (out / "manifest.json").read_text()
    assert CREDIT in (out / "ATTRIBUTION.txt").read_text()
    assert "AI-generated" in (out / "DISCLOSURE.txt").read_text()
    assert told["takes"][0]["contributions"][0]["kind"] == "selection"
    assert told["release"]["use"] == "internal-prototype"


def test_the_folder_reads_catalog_state_take_and_sums_can_be_checked_without_us(one: Studio, out: Path) -> None:
    one.approve()
    one.release(out)
    folders = {file.relative_to(out).parts[:2] for file in out.rglob("mix.flac")}
    assert folders == {("game", "combat"), ("game", "boss")}
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=out, check=False, capture_output=True)
    assert checked.returncode == 0
    loop = json.loads(next(out.rglob("loop.json")).read_text())
    assert (loop["loops"], loop["loop_samples"], loop["sample_rate"]) == (True, {"start": 0, "end": 4800}, 48000)


def test_masters_in_the_store_stay_as_they_were(one: Studio, out: Path) -> None:
    one.approve()
    before = sorted((blob.sha256, blob.bytes) for blob in one.store.digests())
    one.release(out)
    assert sorted((blob.sha256, blob.bytes) for blob in one.store.digests()) == before


def test_one_format_and_isrcs_where_they_are_given(one: Studio, out: Path) -> None:
    one.approve(*one.ids[:2])
    one.release(out, formats=("ogg",), isrc={one.ids[0]: "QM-ABC-26-00001"})
    assert not list(out.rglob("mix.flac"))
    assert len(list(out.rglob("mix.ogg"))) == 2
    assert {take["id"]: take["isrc"] for take in manifest(out)["takes"]} == {
        one.ids[0]: "QM-ABC-26-00001", one.ids[1]: None,
    }  # fmt: skip
    assert b"QMABC2600001" in b"".join(path.read_bytes() for path in out.rglob("mix.ogg"))


@pytest.mark.parametrize("answer", ["refused", "unknown"])
def test_what_the_policy_does_not_allow_today_is_not_released(one: Studio, out: Path, answer: str) -> None:
    one.approve(*one.ids[:2])
    one.gate.answers["commercial-game"] = answer
    with pytest.raises(RefusedError) as raised:
        one.release(out, use="commercial-game")
    for told in (one.ids[0][:12], one.ids[1][:12], answer, FACT, SOURCE, "commercial-game"):
        assert told in str(raised.value)
    assert nothing_came(one, out)


def test_a_changed_file_is_named_and_stops_everything(one: Studio, out: Path) -> None:
    one.approve()
    mix, stem = (one.takes()[one.ids[0]].assets[number] for number in (0, 2))
    blob = one.store.path(mix.sha256)
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    one.store.delete(stem.sha256)
    with pytest.raises(DamagedMasterError) as raised:
        one.release(out)
    for told in (one.ids[0][:12], mix.sha256, "was changed", stem.sha256, "is missing"):
        assert told in str(raised.value)
    assert nothing_came(one, out)


def test_a_full_disk_leaves_nothing(one: Studio, out: Path) -> None:
    one.approve()
    written = []

    def full(source: Path, target: Path, *rest: Any) -> Any:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        written.append(target)
        return tagged(source, target, *rest)

    one.tools = replace(one.tools, seal=full)
    with pytest.raises(OSError, match="No space left"):
        one.release(out)
    assert nothing_came(one, out)


def test_what_changed_while_files_were_written_stops_the_release(studio: Studio, out: Path) -> None:
    studio.approve(*studio.ids[:2])

    def meanwhile(change: Callable[[], object]) -> Callable[..., Any]:
        def seal(source: Path, target: Path, *rest: Any) -> Any:
            change()
            return tagged(source, target, *rest)

        return seal

    changes: list[Callable[[], object]] = [
        lambda: review(studio.engine, studio.ids[:1], Decision("reject", "Ben")),
        lambda: studio.gate.answers.update({"internal-prototype": "allowed"}),
    ]
    for change in changes:
        studio.tools = replace(studio.tools, seal=meanwhile(change))
        with pytest.raises(ChangedMeanwhileError, match="run the same command again"):
            studio.release(out)
        assert nothing_came(studio, out)


class Crash(BaseException):
    """The end of a process."""


def test_a_crash_before_the_record_leaves_nothing_that_stands_in_the_way(
    one: Studio, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.approve()
    with monkeypatch.context() as patched:
        patched.setattr(folder, "settle", crash)
        patched.setattr(folder, "remove", lambda staged: None)
        with pytest.raises(Crash):
            one.release(out)
    assert (len(leftovers(out)), counted(one)) == (1, 0)
    assert one.release(out).fresh
    assert (leftovers(out), counted(one)) == ([], 1)


def test_a_crash_between_record_and_folder_is_finished_by_the_same_command(
    studio: Studio, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.approve()
    with monkeypatch.context() as patched:
        patched.setattr(folder, "publish", crash)
        with pytest.raises(Crash):
            studio.release(out)
    assert (len(leftovers(out)), counted(studio), out.exists()) == (1, 1, False)
    outcome = studio.release(out)
    assert (outcome.fresh, outcome.finished, outcome.takes) == (False, True, 5)
    assert check_folder(out).ok
    assert (leftovers(out), counted(studio)) == ([], 1)
    assert outcome.release.id == manifest(out)["release"]["id"]


def test_a_staged_folder_that_was_changed_is_not_handed_over(
    one: Studio, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.approve()
    with monkeypatch.context() as patched:
        patched.setattr(folder, "publish", crash)
        with pytest.raises(Crash):
            one.release(out)
    next((out.parent / leftovers(out)[0]).rglob("mix.flac")).write_bytes(b"other")
    with pytest.raises(DamagedMasterError, match=r"mix\.flac"):
        one.release(out)
    assert not out.exists()


def crash(*_: object) -> None:
    raise Crash


def test_a_release_is_there_once_and_told_when_it_is_asked_for_again(studio: Studio, out: Path) -> None:
    studio.approve()
    first = studio.release(out)
    again = studio.release(out)
    assert (again.fresh, again.finished, again.release.id) == (False, False, first.release.id)
    assert (again.takes, again.files, again.bytes) == (first.takes, first.files, first.bytes)
    with pytest.raises(DeliveryError, match="made once: copy that folder"):  # nobody may take this for delivered
        studio.release(out.with_name("elsewhere"))
    assert not out.with_name("elsewhere").exists()
    out.rename(out.with_name("lost"))
    with pytest.raises(DeliveryError, match="is gone: put a copy of it back"):
        studio.release(out)
    assert counted(studio) == 1


def test_the_same_release_is_refused_once_the_policy_does_not_allow_it(one: Studio, out: Path) -> None:
    one.approve()
    one.release(out)
    one.gate.answers["internal-prototype"] = "refused"
    with pytest.raises(RefusedError):
        one.release(out)


def test_a_release_never_changes(studio: Studio, out: Path) -> None:
    studio.approve(*studio.ids[:2])
    studio.release(out, name="Gold 1.0")
    before = manifest(out)
    for changed in ({"target": "plain", "formats": ("ogg",)}, {"use": "trailer"}, {"name": "GOLD 1.0"}):
        with pytest.raises(DeliveryError, match="never change"):
            studio.release(out.with_name("b"), **{"name": "Gold 1.0", **changed})
    studio.approve(studio.ids[2])
    with pytest.raises(DeliveryError, match="withdraw it, and release under another name"):
        studio.release(out.with_name("b"), name="Gold 1.0")
    assert manifest(out) == before
    assert studio.release(out.with_name("b"), name="Gold 1.1").takes == 3


def test_the_same_takes_with_other_labels_are_another_release(one: Studio, out: Path) -> None:
    one.approve()
    one.release(out)
    with pytest.raises(DeliveryError, match="with other content"):
        one.release(out, aigc=True)
    with pytest.raises(DeliveryError, match="with other content"):
        one.release(out, isrc={one.ids[0]: "QM-ABC-26-00001"})


def test_two_files_never_share_a_path(one: Studio, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one.approve()
    with monkeypatch.context() as changed:
        changed.setattr(plain, "_name", lambda file: "same.flac")
        with pytest.raises(DeliveryError, match=r"same\.flac"):
            one.release(out)
    assert nothing_came(one, out)


def test_what_was_recorded_is_kept_although_nobody_was_told(
    studio: Studio, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit may come through whose answer is lost: the files of a release on record are never thrown away."""
    studio.approve()
    carried_out = release_module._Release._record

    def lost(*given: Any) -> None:
        carried_out(*given)
        raise ConnectionError("the server closed the connection")

    with monkeypatch.context() as changed:
        changed.setattr(release_module._Release, "_record", lost)
        with pytest.raises(ConnectionError):
            studio.release(out)
    assert leftovers(out) and not out.exists()
    assert studio.release(out).finished and check_folder(out).ok and counted(studio) == 1


def test_a_release_that_waits_for_its_folder_says_so(
    one: Studio, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.approve()
    with monkeypatch.context() as changed:
        changed.setattr(folder, "publish", lambda staged, place: None)
        one.release(out)
    with pytest.raises(DeliveryError, match=f"--out {out}"):
        one.release(out.with_name("elsewhere"))
    assert one.release(out).finished


def test_a_withdrawn_release_stays_on_record_and_keeps_its_name(studio: Studio, out: Path) -> None:
    studio.approve()
    studio.release(out)
    signed: list[int] = []
    first = withdraw(studio.engine, "game", "gold", ADA, "a sample was not cleared", lambda: signed.append(1))
    again = withdraw(studio.engine, "game", "gold", "Ben", "me too", lambda: signed.append(1))
    assert (first.new, again.new, again.withdrawal) == (True, False, first.withdrawal)
    assert signed == [1]
    with pytest.raises(DeliveryError, match="was withdrawn"):
        studio.release(out.with_name("b"))
    (state,) = releases(studio.engine, studio.gate, "game")
    assert (state.status, state.as_json()["withdrawal"]["reason"]) == ("withdrawn", "a sample was not cleared")
    assert check_folder(out).ok
    with pytest.raises(DeliveryError, match="did you mean 'gold'"):
        withdraw(studio.engine, "game", "golb", ADA, "why")
    with pytest.raises(DeliveryError, match="--reason"):
        withdraw(studio.engine, "game", "gold", ADA, " ")


def test_releases_tell_what_would_not_pass_today(studio: Studio, out: Path) -> None:
    studio.approve()
    studio.release(out)
    (state,) = releases(studio.engine, studio.gate)
    assert (state.status, state.takes, state.today) == ("released", 5, "allowed-with-duties")
    studio.gate.answers["internal-prototype"] = "unknown"
    (state,) = releases(studio.engine, studio.gate)
    assert (state.status, state.today, len(state.reasons)) == ("would-not-pass", "unknown", 1)


def test_near_duplicates_are_warned_of_where_they_are_turned_away(one: Studio, out: Path) -> None:
    one.approve(*one.ids[:2])
    one.near = (Near(one.ids[0], one.ids[1], 0.93, "they sound nearly the same"),)
    assert one.release(out, use="trailer").warnings == ()
    outcome = one.release(out.with_name("b"), name="library", use="music-library")
    assert "nearly the same" in outcome.warnings[0]
    assert manifest(out.with_name("b"))["near_duplicates"] == [{"takes": one.ids[:2], "score": 0.93}]


def test_a_release_waits_for_no_run(one: Studio, out: Path) -> None:
    one.approve()
    with catalog_lock(one.home, one.engine, "game"), pytest.raises(CatalogBusyError):
        one.release(out)
    assert nothing_came(one, out)


def test_what_is_superseded_since_it_was_approved_is_left_out_and_told(studio: Studio, out: Path) -> None:
    studio.approve()
    order_takes(studio.engine, [new_take(n) for n in range(4)], new_order("edited"))
    outcome = studio.release(out)
    assert outcome.takes == 4
    assert studio.ids[4][:12] in outcome.left_out[0] and "superseded" in outcome.left_out[0]


def test_takes_ordered_for_several_uses_need_a_word(studio: Studio, out: Path) -> None:
    studio.approve()
    order_takes(studio.engine, [new_take(n) for n in range(4)], new_order("sold", use="commercial-game"))
    with pytest.raises(DeliveryError, match="say --use"):
        studio.release(out)
    assert studio.release(out, use="commercial-game").release.use == "commercial-game"
    assert studio.gate.asked[-1].licensee == {"kind": "individual"}
    with pytest.raises(DeliveryError, match="did you mean 'trailer'"):
        studio.release(out.with_name("b"), name="x", use="trailr")


def test_a_licensee_may_be_said(one: Studio, out: Path) -> None:
    one.approve()
    one.release(out, licensee={"kind": "company", "annual_revenue_usd": 5e6})
    assert manifest(out)["release"]["licensee"] == {"kind": "company", "annual_revenue_usd": 5e6}
    for wrong in ({"kind": "firm"}, {"kind": "company", "annual_revenue_usd": -1.0}):
        with pytest.raises(DeliveryError):
            one.release(out.with_name("b"), name="x", licensee=wrong)


def test_an_order_placed_again_for_another_licensee_needs_a_word(studio: Studio, out: Path) -> None:
    """Takes keep the brief that first ordered them; who it is for now stands in the newest one."""
    studio.approve()
    company = {"kind": "company", "annual_revenue_usd": 5e6}
    order_takes(studio.engine, [new_take(n) for n in range(4)], new_order("grown", licensee=company))
    with pytest.raises(DeliveryError, match="2 different licensees; say --licensee"):
        studio.release(out)
    assert studio.release(out, licensee=company).release.licensee == company


def test_nothing_approved_is_nothing_to_release(one: Studio, out: Path) -> None:
    with pytest.raises(DeliveryError, match="cueworks review"):
        one.release(out)
    with pytest.raises(DeliveryError, match="there are: game"):
        one.release(out, catalog="gaem")


def in_blobs(studio: Studio, out: Path) -> Path:
    return studio.home / "blobs" / "ab"


def through_a_link(studio: Studio, out: Path) -> Path:
    out.symlink_to(studio.home)
    return out / "inside"


def a_link(studio: Studio, out: Path) -> Path:
    out.with_name("real").mkdir()
    out.symlink_to(out.with_name("real"))
    return out


def a_file(studio: Studio, out: Path) -> Path:
    out.write_text("in the way")
    return out


def full(studio: Studio, out: Path) -> Path:
    out.mkdir()
    (out / "theirs.txt").write_text("keep me")
    return out


PLACES: list[tuple[Callable[[Studio, Path], Path], str]] = [
    (in_blobs, "lies in the catalog's home"), (through_a_link, "lies in the catalog's home"), (a_link, "is a link"),
    (a_file, "is a file"), (full, "is not empty"), (lambda studio, out: studio.home, "lies in the catalog's home"),
    (lambda studio, out: out / "a" / "b", "create it first"), (lambda studio, out: out / "..", "no folder's name"),
    (lambda studio, out: Path("a\0b"), "no folder's name"), (lambda studio, out: Path("/"), "no folder's name"),
    (lambda studio, out: out.with_name("x" * 300), "name it shorter"),
]  # fmt: skip


def test_a_place_that_cannot_be_is_refused(one: Studio, tmp_path: Path) -> None:
    one.approve(one.ids[0])
    before = sorted(path.name for path in one.home.rglob("*") if "locks" not in path.parts)
    for number, (place, told) in enumerate(PLACES):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(DeliveryError, match=told):
            one.release(place(one, tmp_path / str(number) / "out"))
    assert counted(one) == 0
    assert before == sorted(path.name for path in one.home.rglob("*") if "locks" not in path.parts)


def test_an_empty_folder_is_filled(one: Studio, out: Path) -> None:
    out.mkdir()
    one.approve(one.ids[0])
    outcome: Outcome = one.release(out)
    assert check_folder(out).ok
    assert Path(outcome.release.folder) == out


def test_no_path_on_record_leads_out_of_the_folder(one: Studio, out: Path) -> None:
    with writing(one.engine) as session:
        from db.tables import Asset, Take

        session.query(Take).update({"folder": "../../../etc/" + "x" * 300})
        session.query(Asset).update({"path": "/etc/passwd"})
    one.approve(one.ids[0])
    one.release(out)
    assert check_folder(out).ok
    assert leftovers(out) == []


def test_a_manifest_that_tells_of_other_files_than_its_rows_is_named(one: Studio, out: Path) -> None:
    one.approve(one.ids[0])
    one.release(out)
    with writing(one.engine) as session:
        (row,) = release_rows(session, "game", manifests=True)
        changed, _, *rest = (replace(item, release_id="forged") for item in release_items(session, row.id))
        items = [replace(changed, sha256="0" * 64), *rest]
        add_release(session, replace(row, id="forged", name="forged"), items)
        add_release(session, replace(row, id="other", name="other", manifest=f"{row.manifest} "), [])
    with reading(one.engine) as session:
        told = list(release_problems(session, "game"))
    assert len(told) == 3
    assert all("'forged'" in text or "'other'" in text for text in told)
    assert "in its manifest only" in told[0]
    assert "told otherwise by its manifest: sha256" in told[1]
    assert "not the manifest that was recorded" in told[2]


def judged(studio: Studio, number: int, outcome: str, pcm_sha256: str | None = None) -> None:
    """The first take's judgement of that number, put on record now."""
    sound = pcm_sha256 or str(studio.takes()[studio.ids[0]].pcm_sha256)
    row = AcceptanceRow(studio.ids[0], number, outcome, 0.5, {}, ["it is silent"], {}, sound, "1", datetime.now(UTC))
    with writing(studio.engine) as session:
        add_acceptances(session, [row])


def test_a_take_that_was_rejected_after_its_approval_goes_out_only_when_it_is_approved_again(
    studio: Studio, out: Path
) -> None:
    first = studio.ids[0]
    judged(studio, 1, "kept")
    studio.approve(first, studio.ids[2])
    judged(studio, 2, "rejected")
    with pytest.raises(DeliveryError) as raised:
        studio.release(out)
    assert first[:12] in str(raised.value)
    assert "rejected it after it was approved: it is silent; review it again by name" in str(raised.value)
    assert studio.ids[2][:12] not in str(raised.value)
    assert nothing_came(studio, out)
    by = decider(studio)
    (again,) = review(studio.engine, [first], Decision("approve", by))
    assert (again.new, again.against) == (True, "it is silent")
    assert review(studio.engine, [first], Decision("approve", by))[0].new is False
    assert studio.release(out).takes == 2


def decider(studio: Studio) -> str:
    with reading(studio.engine) as session:
        return newest_reviews(session, studio.ids[:1])[studio.ids[0]].by


@pytest.mark.parametrize("later", ["unjudged", "other sound", "spare"])
def test_only_a_rejection_of_the_present_sound_that_still_stands_holds_a_take_back(
    studio: Studio, out: Path, later: str
) -> None:
    studio.approve(studio.ids[0])
    judged(studio, 1, "rejected", "a" * 64 if later == "other sound" else None)
    if later != "other sound":
        judged(studio, 2, UNJUDGED if later == "unjudged" else later)
    assert studio.release(out).takes == 1
