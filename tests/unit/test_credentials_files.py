"""Credentials written into real files and read back; then everything that a hostile or unlucky file may be."""

import errno
import io
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.provenance.credentials import (
    Claim,
    CredentialsError,
    LocalAuthority,
    OwnCertificate,
    Signed,
    Trust,
    read_file,
    sidecar_of,
    sign_file,
    tag_file,
)
from services.provenance.credentials.claim import manifest_of
from tests.unit.credentials_samples import (
    BESIDE,
    CLAIM,
    EMBEDDED,
    KINDS,
    SOUNDS,
    TRAINED,
    flipped,
    make_key,
    own_chain,
    sample,
    samples_of,
)


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here has to survive a power cut."""
    monkeypatch.setattr("os.fsync", lambda _handle: None)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "c2pa"


@pytest.fixture(scope="module")
def signer(keys: Path) -> LocalAuthority:
    return LocalAuthority(keys)


def signed_sample(folder: Path, kind: str, signer: LocalAuthority) -> Signed:
    return sign_file(sample(folder, kind), folder / f"out.{kind}", CLAIM, signer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_file_says_whose_it_is(tmp_path: Path, kind: str, signer: LocalAuthority, keys: Path) -> None:
    signed = signed_sample(tmp_path, kind, signer)
    found = read_file(signed.path, trust=Trust(keys))
    assert (found.state, found.ours, found.take_id) == ("trusted", True, CLAIM.take_id)
    assert found.claim == {
        "take_id": CLAIM.take_id, "catalog": "demo", "generator": "composer", "revision": "3", "licence": "Apache-2.0",
        "prompt_sha256": CLAIM.prompt_sha256, "master_sha256": CLAIM.master_sha256, "producer": CLAIM.producer,
        "created_at": "2026-05-04T03:02:01Z", "isrc": "QM-ABC-26-00001",
    }  # fmt: skip
    assert found.title == CLAIM.title and found.signer == "Cueworks local signer"
    assert "assertion.dataHash.match" in found.reasons[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_what_is_reported(tmp_path: Path, kind: str, signer: LocalAuthority) -> None:
    import hashlib

    source = sample(tmp_path, kind)
    before, changed = source.read_bytes(), source.stat().st_mtime_ns
    signed = sign_file(source, tmp_path / f"out.{kind}", CLAIM, signer)
    data = signed.path.read_bytes()
    assert (signed.sha256, signed.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (source.read_bytes(), source.stat().st_mtime_ns) == (before, changed)
    beside = {sidecar_of(signed.path)} if kind in BESIDE else set()
    assert set(tmp_path.iterdir()) == {source, signed.path} | beside
    assert ({signed.sidecar} if signed.sidecar else set()) == beside
    if signed.sidecar:
        assert signed.sidecar_sha256 == hashlib.sha256(signed.sidecar.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", SOUNDS)
def test_signing_changes_no_sample(tmp_path: Path, kind: str, signer: LocalAuthority) -> None:
    signed = signed_sample(tmp_path, kind, signer)
    assert np.array_equal(samples_of(signed.path), samples_of(tmp_path / f"source.{kind}"))


@pytest.mark.parametrize("kind", BESIDE)
def test_beside_a_sidecar_the_file_has_tags_only(tmp_path: Path, kind: str, signer: LocalAuthority) -> None:
    signed = signed_sample(tmp_path, kind, signer)
    tagged = tag_file(tmp_path / f"source.{kind}", tmp_path / f"tagged.{kind}", CLAIM)
    assert signed.path.read_bytes() == tagged.path.read_bytes()


@pytest.mark.parametrize("claim", [CLAIM, TRAINED])
def test_the_manifest_says_how_it_was_made_first(tmp_path: Path, claim: Claim, signer: LocalAuthority) -> None:
    import c2pa

    signed = sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", claim, signer)
    with c2pa.Reader(str(signed.path)) as reader:
        store = json.loads(reader.json())
    manifest = store["manifests"][store["active_manifest"]]
    said = {each["label"]: each["data"] for each in manifest["assertions"]}
    action = said["c2pa.actions.v2"]["actions"][0]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == f"http://cv.iptc.org/newscodes/digitalsourcetype/{claim.source_type}"
    assert action["softwareAgent"]["name"] == "cueworks" and action["softwareAgent"]["version"]
    assert {entry["use"] for entry in said["cawg.training-mining"]["entries"].values()} == {"notAllowed"}
    assert said["org.cueworks.take"]["prompt_sha256"] == CLAIM.prompt_sha256


def test_training_may_be_allowed() -> None:
    mining = manifest_of(replace(CLAIM, training_mining="allowed"), "audio/wav")["assertions"][1]
    assert {entry["use"] for entry in mining["data"]["entries"].values()} == {"allowed"}


class TestForged:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_changed_byte_is_named(self, tmp_path: Path, kind: str, signer: LocalAuthority, keys: Path) -> None:
        signed = signed_sample(tmp_path, kind, signer)
        flipped(signed.path, {"png": -30, "wav": 3000}.get(kind, -9))
        found = read_file(signed.path, trust=Trust(keys))
        assert (found.state, found.ours, found.take_id) == ("invalid", False, None)
        assert any("changed after it was signed (assertion.dataHash.mismatch)" in reason for reason in found.reasons)
        assert found.claim and found.claim["take_id"] == CLAIM.take_id  # still said, no longer believed

    @pytest.mark.parametrize("kind", ["wav", "ogg"])
    def test_a_changed_claim_is_named(self, tmp_path: Path, kind: str, signer: LocalAuthority, keys: Path) -> None:
        signed = signed_sample(tmp_path, kind, signer)
        place = signed.sidecar or signed.path
        data = place.read_bytes()
        at = data.rindex(CLAIM.take_id.encode())
        place.write_bytes(data[:at] + b"0" + data[at + 1 :])
        found = read_file(signed.path, trust=Trust(keys))
        assert (found.state, found.take_id) == ("invalid", None)
        assert any("assertion.hashedURI.mismatch" in reason for reason in found.reasons)

    def test_later_tags_break_it(self, tmp_path: Path, signer: LocalAuthority, keys: Path) -> None:
        signed = signed_sample(tmp_path, "mp3", signer)
        with signed.path.open("ab") as file:
            file.write(b"TAG" + bytes(125))
        assert read_file(signed.path, trust=Trust(keys)).state == "invalid"

    def test_our_words_signed_by_a_stranger_are_not_ours(self, tmp_path: Path, keys: Path) -> None:
        chain, key, root = own_chain(tmp_path, make_key())
        signed = sign_file(sample(tmp_path, "wav"), tmp_path / "out.wav", CLAIM, OwnCertificate(chain, key))
        found = read_file(signed.path, trust=Trust(keys))
        assert (found.state, found.ours) == ("untrusted-signer", False)
        assert "signingCredential.untrusted" in found.reasons[0]
        named = read_file(signed.path, trust=Trust(keys, anchors=(root,)))
        assert (named.state, named.ours, named.signer) == ("trusted", False, "Studio signer")

    def test_nobodys_trust_asked_is_valid(self, tmp_path: Path, signer: LocalAuthority) -> None:
        found = read_file(signed_sample(tmp_path, "flac", signer).path)
        assert (found.state, found.ours) == ("valid", False)
        assert not any("untrusted" in reason for reason in found.reasons)

    def test_a_folder_without_keys_trusts_nobody(self, tmp_path: Path, signer: LocalAuthority) -> None:
        found = read_file(signed_sample(tmp_path, "wav", signer).path, trust=Trust(tmp_path / "empty"))
        assert found.state == "untrusted-signer"
        assert not (tmp_path / "empty").exists()


class TestTruncated:
    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mid"])
    @pytest.mark.parametrize("part", [0.2, 0.6, 0.98])
    def test_it_is_named(self, tmp_path: Path, kind: str, part: float, signer: LocalAuthority, keys: Path) -> None:
        signed = signed_sample(tmp_path, kind, signer)
        signed.path.write_bytes(signed.path.read_bytes()[: int(signed.bytes * part)])
        found = read_file(signed.path, trust=Trust(keys))
        assert found.state in ("invalid", "none") and found.take_id is None
        assert any(word in " ".join(found.reasons) for word in ("truncated", "damaged", "dataHash.mismatch"))

    @pytest.mark.parametrize("size", [0, 1, 12, 100, 4000])
    def test_a_truncated_sidecar_is_named(self, tmp_path: Path, size: int, signer: LocalAuthority) -> None:
        signed = signed_sample(tmp_path, "ogg", signer)
        assert signed.sidecar
        signed.sidecar.write_bytes(signed.sidecar.read_bytes()[:size])
        found = read_file(signed.path)
        assert (found.state, found.sidecar) == ("invalid", signed.sidecar) and found.reasons


class TestForeign:
    def test_someone_elses_manifest_names_no_take(self, tmp_path: Path, keys: Path, signer: LocalAuthority) -> None:
        import c2pa

        other = LocalAuthority(tmp_path / "theirs")
        manifest = {
            "claim_generator_info": [{"name": "other", "version": "1"}], "title": "Theirs\x1b[31m",
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [{
                "action": "c2pa.created",
                "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation",
            }]}}, {"label": "org.cueworks.take", "data": {"take_id": 7, "note": "x" * 9}}],
        }  # fmt: skip
        native = c2pa.Signer.from_callback(other.sign, c2pa.C2paSigningAlg.ES256, other.identity().pem)
        out = io.BytesIO()
        with sample(tmp_path, "wav").open("rb") as source:
            c2pa.Builder(json.dumps(manifest)).sign(native, "audio/wav", source, out)
        (tmp_path / "theirs.wav").write_bytes(out.getvalue())
        found = read_file(tmp_path / "theirs.wav", trust=Trust(keys))
        assert (found.state, found.claim, found.take_id, found.ours) == ("untrusted-signer", None, None, False)
        assert found.title == "Theirs [31m"

    def test_a_sidecar_of_another_file_is_named(self, tmp_path: Path, signer: LocalAuthority, keys: Path) -> None:
        ogg, opus = (signed_sample(tmp_path, kind, signer) for kind in ("ogg", "opus"))
        found = read_file(ogg.path, opus.sidecar, Trust(keys))
        assert (found.state, found.sidecar) == ("invalid", opus.sidecar)
        assert "assertion.dataHash.mismatch" in found.reasons[0]

    def test_a_sidecar_by_stem_is_found(self, tmp_path: Path, signer: LocalAuthority, keys: Path) -> None:
        signed = signed_sample(tmp_path, "ogg", signer)
        assert signed.sidecar
        signed.sidecar.rename(tmp_path / "out.c2pa")
        assert read_file(signed.path, trust=Trust(keys)).sidecar == tmp_path / "out.c2pa"

    def test_the_files_own_manifest_comes_before_a_sidecar(
        self, tmp_path: Path, signer: LocalAuthority, keys: Path
    ) -> None:
        ogg, wav = (signed_sample(tmp_path, kind, signer) for kind in ("ogg", "wav"))
        assert read_file(wav.path, ogg.sidecar, Trust(keys)).state == "trusted"


class TestNotEvenAFile:
    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "empty"), (b"x", "not a kind of file"), (b"garbage " * 99, "not a kind of file"),
            (bytes(100_000), "not a kind of file"), (b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff", ""),
            (b"RIFF\xff\xff\xff\xffWAVEfmt ", "damaged"), (b"ID3\x04\0\0\x7f\x7f\x7f\x7f", ""), (b"OggS", ""),
            (b"fLaC\x7f\xff\xff\xff", ""), (b"\x89PNG\r\n\x1a\n", ""),
        ],
    )  # fmt: skip
    def test_it_is_named(self, tmp_path: Path, data: bytes, said: str) -> None:
        place = tmp_path / "strange.wav"
        place.write_bytes(data)
        found = read_file(place)
        assert found.state == "none" and found.reasons
        assert said in " ".join(found.reasons)

    @pytest.mark.parametrize("kind", KINDS)
    def test_an_unsigned_file_has_none(self, tmp_path: Path, kind: str) -> None:
        found = read_file(sample(tmp_path, kind))
        assert found.state == "none" and "no manifest in this" in found.reasons[0]

    def test_a_folder_and_a_pipe_are_told(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.wav")
        for place in (tmp_path, tmp_path / "pipe.wav"):
            assert "not a regular file" in read_file(place).reasons[0]

    def test_an_absent_or_strange_sidecar_is_told(self, tmp_path: Path) -> None:
        source = sample(tmp_path, "ogg")
        assert "No such file" in read_file(source, tmp_path / "absent.c2pa").reasons[0]
        assert "not a regular file" in read_file(source, tmp_path).reasons[0]

    @pytest.mark.parametrize("data", [b"garbage" * 9, bytes(5000), b"\xff" * 5000, b"{}", bytes(1 << 20)])
    def test_a_sidecar_of_garbage_is_named(self, tmp_path: Path, data: bytes) -> None:
        place = tmp_path / "source.ogg.c2pa"
        place.write_bytes(data)
        assert read_file(sample(tmp_path, "ogg")).state == "invalid"

    def test_a_bomb_of_a_sidecar_is_not_read(self, tmp_path: Path) -> None:
        with (tmp_path / "source.ogg.c2pa").open("wb") as file:
            file.truncate(1 << 36)  # sparse
        found = read_file(sample(tmp_path, "ogg"))
        assert found.state == "invalid" and "more than 32 MiB" in found.reasons[0]

    @pytest.mark.parametrize("claimed", [0, 1, 2, 0xFFFFFFFF, 0x7FFFFFFF])
    def test_a_manifest_that_lies_about_its_size_is_read_or_named(
        self, tmp_path: Path, claimed: int, signer: LocalAuthority
    ) -> None:
        signed = signed_sample(tmp_path, "ogg", signer)
        assert signed.sidecar
        data = signed.sidecar.read_bytes()
        for at in [at for at in range(4, 3000) if data[at : at + 4] in (b"jumb", b"jumd", b"cbor")][:6]:
            signed.sidecar.write_bytes(data[: at - 4] + claimed.to_bytes(4, "big") + data[at:])
            found = read_file(signed.path)  # the outermost box may say more than there is: nothing in it changes then
            assert found.state == "invalid" or found.take_id == CLAIM.take_id

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_damage_anywhere_gives_a_result(
        self, tmp_path: Path, signer: LocalAuthority, keys: Path, data: st.DataObject
    ) -> None:
        kind = data.draw(st.sampled_from(("wav", "mp3", "ogg", "png")))
        place = tmp_path / f"out.{kind}"
        if not place.exists():
            signed_sample(tmp_path, kind, signer)
        damaged = bytearray(place.read_bytes())
        for at in data.draw(st.lists(st.integers(1, min(len(damaged), 16_000)), min_size=1, max_size=4)):
            damaged[-at] ^= data.draw(st.integers(1, 255))
        hurt = tmp_path / f"hurt.{kind}"
        hurt.write_bytes(damaged)
        found = read_file(hurt, sidecar_of(place) if kind in BESIDE else None, Trust(keys))
        assert found.reasons


class TestSigning:
    def test_an_expired_leaf_is_told_when_reading(self, tmp_path: Path) -> None:
        signer = LocalAuthority(tmp_path / "c2pa", leaf_valid=timedelta(seconds=1))
        signed = sign_file(sample(tmp_path, "mp3"), tmp_path / "out.mp3", CLAIM, signer)
        time.sleep(2.1)
        found = read_file(signed.path, trust=Trust(tmp_path / "c2pa"))
        assert found.state == "invalid" and any("no time stamp" in reason for reason in found.reasons)

    @pytest.mark.parametrize("kind", EMBEDDED)
    def test_a_signed_file_is_not_signed_again(self, tmp_path: Path, kind: str, signer: LocalAuthority) -> None:
        signed = signed_sample(tmp_path, kind, signer)
        with pytest.raises(CredentialsError, match=rf"out\.{kind}: it already carries credentials"):
            sign_file(signed.path, tmp_path / f"again.{kind}", CLAIM, signer)

    def test_the_source_is_never_the_target(self, tmp_path: Path, signer: LocalAuthority) -> None:
        source = sample(tmp_path, "wav")
        (tmp_path / "linked.wav").hardlink_to(source)
        for target in (source, tmp_path / "linked.wav"):
            with pytest.raises(CredentialsError, match="source and target at once"):
                sign_file(source, target, CLAIM, signer)

    def test_a_failure_leaves_the_old_target_and_nothing_else(self, tmp_path: Path, signer: LocalAuthority) -> None:
        target = tmp_path / "out.wav"
        target.write_bytes(b"before")
        broken = tmp_path / "broken.wav"
        broken.write_bytes(b"RIFF\0\0\0\0WAVE")
        with pytest.raises(CredentialsError, match="broken"):
            sign_file(broken, target, CLAIM, signer)
        assert target.read_bytes() == b"before"
        assert set(tmp_path.iterdir()) == {target, broken}

    @pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
    def test_a_full_disk_is_told_as_what_it_is(
        self, tmp_path: Path, kind: str, signer: LocalAuthority, monkeypatch: pytest.MonkeyPatch
    ) -> None:  # fmt: skip
        """The library forgets why a stream failed; that the certificate were at fault would send people astray."""
        source, opened = sample(tmp_path, kind), Path.open

        class Full(io.BytesIO):
            def write(self, data: object) -> int:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def full(path: Path, mode: str = "r", **how: object) -> object:
            return Full() if mode == "w+b" else opened(path, mode, **how)

        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(OSError, match="No space left") as caught:
            sign_file(source, tmp_path / f"signed.{kind}", CLAIM, signer)
        assert caught.value.errno == errno.ENOSPC
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [source.name]

    def test_a_target_folder_that_is_not_there_is_told(self, tmp_path: Path, signer: LocalAuthority) -> None:
        with pytest.raises(FileNotFoundError):
            sign_file(sample(tmp_path, "wav"), tmp_path / "absent" / "out.wav", CLAIM, signer)

    def test_threads_share_one_signer(self, tmp_path: Path, signer: LocalAuthority, keys: Path) -> None:
        source = sample(tmp_path, "mp3")
        targets = [tmp_path / f"{number}.mp3" for number in range(8)]
        threads = [threading.Thread(target=sign_file, args=(source, target, CLAIM, signer)) for target in targets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {read_file(target, trust=Trust(keys)).state for target in targets} == {"trusted"}

    def test_a_forked_process_signs_too(self, tmp_path: Path, signer: LocalAuthority, keys: Path) -> None:
        signed_sample(tmp_path, "mp3", signer)  # the library is in use before the fork
        source = tmp_path / "source.mp3"
        process = multiprocessing.get_context("fork").Process(
            target=sign_file, args=(source, tmp_path / "forked.mp3", CLAIM, signer)
        )
        process.start()
        process.join(30)
        assert process.exitcode == 0
        assert read_file(tmp_path / "forked.mp3", trust=Trust(keys)).ours

    def test_the_package_is_imported_without_its_libraries(self) -> None:
        program = (
            "import sys, services.provenance.credentials;"
            "print([m for m in ('c2pa', 'cryptography', 'soundfile') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
