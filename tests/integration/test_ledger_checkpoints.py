"""Checkpoints and proofs on both databases: what is signed continues what was signed, and stands alone."""

import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from db.engine import reading, writing
from db.ledger import ClockError, Entry, append, entry_texts
from db.rights_tables import Checkpoint
from services.provenance.checkpoints import LedgerBrokenError, announced_keys, check_follows, checkpoint
from services.provenance.files import OtherContentError
from services.provenance.keys import KeyFolder, UnusableKeyError
from services.provenance.merkle import leaf_hash, root
from services.provenance.notes import read_verifier_key
from services.provenance.proofs import NoProofError, check_proof, prove_consistency, prove_entry, take_sequence
from tests.ledger_rows import Recorded


@pytest.fixture
def log(engine: Engine, tmp_path: Path) -> Recorded:
    """A ledger without a catalog: quick to grow."""
    made = Recorded(engine, tmp_path)
    grow(made, 5)
    return made


def grow(log: Recorded, count: int) -> None:
    with writing(log.engine) as session:
        append(session, [Entry("review", f"s{number}", {"n": number}) for number in range(count)])


def stored(log: Recorded) -> list[int]:
    with reading(log.engine) as session:
        return list(session.scalars(select(Checkpoint.tree_size).order_by(Checkpoint.tree_size)))


def test_what_is_signed_is_the_root_over_every_entry(log: Recorded) -> None:
    for count in (0, 1, 9):
        grow(log, count)
        signed = log.sign()
        with reading(log.engine) as session:
            texts = list(entry_texts(session))
        assert signed.head.size == len(texts)
        assert signed.head.root == root(leaf_hash(text.encode()) for text in texts)
    assert stored(log) == [7, 8, 17]
    assert log.verify().ok


def test_nothing_new_is_not_signed_again_but_exported_where_it_is_missing(log: Recorded) -> None:
    first = log.sign()
    first.files[1].unlink()
    again = log.sign()
    assert (first.made, again.made, again.note) == (True, False, first.note)
    assert again.files[1].read_text() == first.note
    assert stored(log) == [7]


def test_an_empty_ledger_has_no_checkpoint(engine: Engine, tmp_path: Path) -> None:
    assert checkpoint(engine, KeyFolder(tmp_path / "keys"), [tmp_path / "out"]) is None
    assert not (tmp_path / "keys").exists()


def test_public_keys_stand_beside_it_as_other_tools_take_them(log: Recorded) -> None:
    signed = log.sign()
    (line,) = {path.read_text() for folder in log.folders for path in folder.rglob("*.vkey")}
    assert read_verifier_key(line) == (signed.head.origin, log.keys.public_keys("checkpoint")[0].raw)


def test_an_exported_checkpoint_is_never_overwritten(log: Recorded) -> None:
    log.folders[0].mkdir(parents=True)
    (log.folders[0] / "6.checkpoint").write_text("mine")
    with pytest.raises(LedgerBrokenError, match="is damaged"):
        log.sign()
    (log.folders[0] / "6.checkpoint").unlink()
    path = log.sign().files[0]
    path.write_text("mine")
    with pytest.raises(LedgerBrokenError, match="is damaged"):
        log.sign()
    assert path.read_text() == "mine"
    path.unlink()
    key = next(log.folders[0].glob("*.vkey"))
    key.write_text("mine")
    with pytest.raises(OtherContentError, match="was left as it is"):
        log.sign()


def test_a_folder_out_of_reach_is_warned_of(log: Recorded, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    signed = checkpoint(log.engine, log.keys, [log.folders[0], tmp_path / "file" / "folder"])
    assert signed is not None
    assert len(signed.files) == 1
    assert "no checkpoint in" in signed.warnings[0]
    with pytest.raises(OSError, match=r".+"):
        checkpoint(log.engine, log.keys, [tmp_path / "file"])


def test_a_ledger_restored_from_an_older_state_is_not_signed_again(log: Recorded) -> None:
    log.sign()
    grow(log, 3)
    log.sign()
    log.forge("DELETE FROM ledger_entry WHERE sequence >= 7")
    log.forge("DELETE FROM checkpoint WHERE tree_size > 7")
    grow(log, 1)
    with pytest.raises(LedgerBrokenError, match=r"has 8 entries, .* signed 10: the database was restored"):
        log.sign()
    grow(log, 6)
    with pytest.raises(LedgerBrokenError, match="are not those that"):
        log.sign()
    assert stored(log) == [7]
    assert "fork" in log.found()


def test_a_changed_frontier_or_note_leads_nowhere(log: Recorded) -> None:
    log.sign()
    grow(log, 2)
    log.forge("UPDATE checkpoint SET frontier = '[]'")
    assert log.sign().head.size == 9  # begun again from the first entry
    log.forge("UPDATE checkpoint SET root = :root WHERE tree_size = 9", root="0" * 64)
    grow(log, 1)
    with pytest.raises(LedgerBrokenError, match="stored checkpoint of 9"):
        log.sign()


def test_a_changed_entry_is_not_signed_anew(log: Recorded, tmp_path: Path) -> None:
    """Who lost the keys begins again from the first entry, and finds what does not agree with what was signed."""
    log.sign()
    log.forge("UPDATE ledger_entry SET entry = '{}' WHERE sequence = 2")
    grow(log, 1)
    with pytest.raises(LedgerBrokenError, match="are not those that"):
        checkpoint(log.engine, KeyFolder(tmp_path / "new keys"), log.folders)


def test_a_clock_behind_the_ledger_signs_nothing(log: Recorded) -> None:
    log.sign()
    with writing(log.engine) as session:
        from datetime import UTC, datetime, timedelta

        append(session, [Entry("review", "x", {})], datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(ClockError, match="set the clock"):
        log.sign()


def test_the_key_is_on_record_before_it_signs_and_its_successor_too(log: Recorded) -> None:
    first = log.sign()
    _, new = log.keys.rotate("checkpoint")
    second = log.sign()
    with reading(log.engine) as session:
        announced = list(announced_keys(session))
    assert [key.id for _, key in announced] == [first.key_id, new.id]
    assert announced[1][1].previous == first.key_id
    assert (second.key_id, second.head.size) == (new.id, announced[1][0] + 1)
    assert log.verify().ok


def test_two_at_once_make_checkpoints_that_agree(log: Recorded) -> None:
    faults: list[BaseException] = []

    def sign() -> None:
        try:
            for _ in range(3):
                grow(log, 1)
                log.sign()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=sign) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    log.sign()
    found = log.verify()
    assert (found.ok, found.signed) == (True, found.entries)


def test_a_proof_of_a_take_stands_alone(engine: Engine, tmp_path: Path) -> None:
    recorded = Recorded(engine, tmp_path).record()
    with pytest.raises(NoProofError, match="nothing is signed yet"):
        prove_entry(engine, 1)
    recorded.sign()
    keys = recorded.keys.public_keys()
    proof = json.dumps(prove_entry(engine, take_sequence(engine, recorded.ids[2]))).encode()
    found = check_proof(proof, keys)
    assert (found.ok, found.reason) == (True, None)
    assert found.entry is not None
    assert (found.entry["subject"], found.entry["kind"]) == (recorded.ids[2], "take")
    vkey = read_verifier_key(next(recorded.folders[0].glob("*.vkey")).read_text())
    assert check_proof(proof, [vkey]).ok
    with pytest.raises(NoProofError, match="no entry records"):
        take_sequence(engine, "f" * 64)
    grow(recorded, 1)
    with pytest.raises(NoProofError, match="not signed yet"):
        prove_entry(engine, 7)


def test_every_bit_of_a_proof_counts(log: Recorded) -> None:
    log.sign()
    keys = log.keys.public_keys()
    proof = prove_entry(log.engine, 3)
    for changed in (
        {"index": 4}, {"index": -1}, {"index": "3"}, {"path": proof["path"][:-1]}, {"path": ["00" * 32] * 3},
        {"entry": proof["entry"].replace('"n":2', '"n":3')},
        {"checkpoint": proof["checkpoint"].replace("\n7\n", "\n8\n")},
        {"type": "another"}, {"path": None}, {"checkpoint": 5}, {"entry": None},
    ):  # fmt: skip
        assert not check_proof(json.dumps(proof | changed).encode(), keys).ok, changed
    assert "no key that is trusted" in (check_proof(json.dumps(proof).encode(), []).reason or "")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"[" * 100_000, b'{"type": []}', b"\xff\xfe", b'"x"'])
def test_what_is_no_proof_is_told(data: bytes) -> None:
    assert check_proof(data, []).reason is not None


def test_that_one_ledger_continues_another_is_proved(log: Recorded) -> None:
    log.sign()
    grow(log, 6)
    log.sign()
    proof = prove_consistency(log.engine, 7)
    keys = log.keys.public_keys()
    assert check_proof(json.dumps(proof).encode(), keys).ok
    assert not check_proof(json.dumps(proof | {"path": proof["path"][::-1]}).encode(), keys).ok
    assert not check_proof(json.dumps(proof | {"old": proof["checkpoint"]}).encode(), keys).ok
    with pytest.raises(NoProofError, match="there are: 7, 13"):
        prove_consistency(log.engine, 8)


def test_nothing_is_recorded_on_a_ledger_that_does_not_go_on_from_what_was_signed(
    engine: Engine, tmp_path: Path
) -> None:
    """Told before work, not after it: a checkpoint says more than the database holds, or a stranger's key signed."""
    keys, folder = KeyFolder(tmp_path / "keys"), tmp_path / "checkpoints"
    check_follows(engine, keys, [folder])
    with writing(engine) as session:
        append(session, [Entry("plan", "one", {})])
    checkpoint(engine, keys, [folder])
    check_follows(engine, keys, [folder])
    with pytest.raises(UnusableKeyError, match=r"signed by key .* nothing was written"):
        check_follows(engine, KeyFolder(tmp_path / "other"), [folder])
    (newest,) = folder.glob("*.checkpoint")
    newest.rename(folder / "900.checkpoint")
    newest.with_name("900.checkpoint").write_text(
        newest.with_name("900.checkpoint").read_text().replace(f"\n{newest.stem}\n", "\n900\n", 1)
    )
    with pytest.raises(LedgerBrokenError, match="restored from an older state"):
        check_follows(engine, keys, [folder])


def test_a_database_without_a_ledger_beside_signed_checkpoints_is_told(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "12.checkpoint").write_text("cueworks/another\n12\n")
    with pytest.raises(LedgerBrokenError, match="emptied, or is another one"):
        check_follows(engine, KeyFolder(tmp_path / "keys"), [folder])
