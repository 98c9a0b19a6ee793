"""Recordings that cues follow: checked when a brief is read, part of who a take is, kept by digest, licence stated."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from models import references
from models.controls import AudioReference, Controls
from models.references import RecordingError
from services.planning.faults import BriefError, Fault
from services.planning.plan import Plan, plan
from services.planning.reader import read_brief, read_bytes
from services.rights.gate import reference_of
from services.rights.materials import references_by_cue
from services.rights.policy import Material
from tests.cards import denoiser, token_model, with_composer

RATE = 16000
TOKENS, NOISE = "acme/tokens", "acme/noise"


def tone(seconds: float, channels: int = 1, rate: int = RATE) -> np.ndarray:
    line = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    return np.repeat(line[:, None], channels, axis=1).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "tune.wav", tone(3), RATE)
    return tmp_path


def ordered(folder: Path, keys: str, generator: str = TOKENS) -> Path:
    path = folder / "brief.yaml"
    path.write_text(f"catalog: x\ngenerator: {generator}\ncues:\n  - {{state: a, prompt: p, {keys}}}\n"
                    "  - {state: b, prompt: p}\n")  # fmt: skip
    return path


def planned(folder: Path, keys: str, generator: str = TOKENS, **options: Any) -> Plan:
    path = ordered(folder, keys, generator)
    return plan(read_brief(path), with_composer(token_model(melody=True), denoiser()), **options)


def faults(folder: Path, keys: str, generator: str = TOKENS) -> tuple[Fault, ...]:
    with pytest.raises(BriefError) as caught:
        planned(folder, keys, generator)
    return caught.value.faults


@pytest.mark.parametrize(
    ("key", "role", "by"),
    [("melody", "melody", TOKENS), ("continue", "continuation", TOKENS), ("vary", "variation", NOISE)],
)
def test_a_take_names_the_recording_it_follows_and_its_licence(folder: Path, key: str, role: str, by: str) -> None:
    order = planned(folder, f"{key}: {{file: tune.wav, licence: CC-BY-4.0, source: a friend}}", by)
    digest = hashlib.sha256((folder / "tune.wav").read_bytes()).hexdigest()
    follows, other = order.takes
    assert follows.controls.audio == AudioReference(role, digest, "CC-BY-4.0")
    assert follows.as_json()["controls"]["audio"] == {"role": role, "sha256": digest, "licence": "CC-BY-4.0"}
    assert Controls.from_json(follows.as_json()["controls"]) == follows.controls
    assert other.controls.audio is None
    assert order.recordings == {digest: folder / "tune.wav"}
    assert planned(folder, f"{key}: {{file: tune.wav, licence: MIT}}", by, only="b").recordings == {}


def test_only_the_takes_that_follow_it_change_with_a_recording(folder: Path) -> None:
    def ids(keys: str) -> list[str]:
        return [take.id for take in planned(folder, keys).takes]

    plain, followed = ids("takes: 1"), ids("melody: {file: tune.wav, licence: MIT}")
    assert plain[1] == followed[1]
    assert plain[0] != followed[0]
    assert ids("continue: {file: tune.wav, licence: MIT}")[0] != followed[0]
    soundfile.write(folder / "tune.wav", tone(4), RATE)
    again = ids("melody: {file: tune.wav, licence: MIT}")
    assert again[0] != followed[0]
    assert again[1] == followed[1]


def test_a_take_without_a_recording_says_nothing_of_one(folder: Path) -> None:
    assert all("audio" not in take.as_json()["controls"] for take in planned(folder, "takes: 1").takes)


def test_the_same_file_under_another_name_is_the_same_take(folder: Path) -> None:
    (folder / "other.wav").write_bytes((folder / "tune.wav").read_bytes())
    one, other = (planned(folder, f"melody: {{file: {name}, licence: MIT}}") for name in ("tune.wav", "other.wav"))
    assert [take.id for take in one.takes] == [take.id for take in other.takes]


def test_a_generator_that_follows_no_recording_is_told(folder: Path) -> None:
    for key, told, able in (
        ("melody", "follows no recording's tune", TOKENS), ("continue", "goes on from no recording", TOKENS),
        ("vary", "makes no recording over", NOISE),
    ):  # fmt: skip
        (fault,) = faults(folder, f"{key}: {{file: tune.wav, licence: MIT}}", "composer")
        assert (fault.field, fault.line) == (f"cues[0].{key}", 4)
        assert told in fault.what
        assert fault.remedy == f"write `generator: {able}` for this cue, or drop `{key}`"


@pytest.mark.parametrize(
    ("keys", "field", "told"),
    [
        ("melody: {file: tune.wav}", "cues[0].melody", "missing key `licence`"),
        ("melody: {licence: MIT}", "cues[0].melody", "missing key `file`"),
        ("melody: tune.wav", "cues[0].melody", "write a mapping"),
        ("melody: {file: tune.wav, licence: MIT, colour: red}", "cues[0].melody.colour", "unknown key"),
        ("melody: {file: tune.wav, licence: MIT, sourse: me}", "cues[0].melody.sourse", "did you mean 'source'?"),
        ("melody: {file: none.wav, licence: MIT}", "cues[0].melody.file", "cannot be read"),
        ("continue: {file: ../tune.wav, licence: MIT}", "cues[0].continue.file", "outside the brief's folder"),
        ("continue: {file: brief.yaml, licence: MIT}", "cues[0].continue.file", "cannot be read as audio"),
        ("continue: {file: ., licence: MIT}", "cues[0].continue.file", "is no file"),
        (
            "melody: {file: tune.wav, licence: MIT}, continue: {file: tune.wav, licence: MIT}", "cues[0].continue",
            "both `melody` and `continue`",
        ),
        (
            "vary: {file: tune.wav, licence: MIT}, continue: {file: tune.wav, licence: MIT}", "cues[0].vary",
            "both `continue` and `vary`",
        ),
        ("vary: {file: tune.wav, licence: MIT, strength: 0}", "cues[0].vary.strength", "greater than or equal to 0.01"),
        ("vary: {file: tune.wav, licence: MIT, strength: 1.1}", "cues[0].vary.strength", "lower it"),
        ("vary: {file: tune.wav, licence: MIT, strenght: 1}", "cues[0].vary.strenght", "did you mean 'strength'?"),
        ("vary: {file: brief.yaml, licence: MIT}", "cues[0].vary.file", "cannot be read as audio"),
        (
            "kind: stinger, stinger: victory, from: b, melody: {file: tune.wav, licence: MIT}", "cues[0].melody",
            "follows no recording",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_told_with_its_line(folder: Path, keys: str, field: str, told: str) -> None:
    found = [fault for fault in faults(folder, keys) if fault.field == field]
    assert found
    assert told in str(found[0])
    assert found[0].line == 4


@pytest.mark.parametrize(("rate", "told"), [(RATE, "values that are no numbers"), (7000, "a rate of 7000 Hz")])
def test_what_a_take_is_made_over_of_is_looked_at_when_planning(folder: Path, rate: int, told: str) -> None:
    sound = tone(2, rate=rate)
    sound[100] = np.nan
    soundfile.write(folder / "odd.wav", sound, rate, subtype="FLOAT")
    (fault,) = faults(folder, "vary: {file: odd.wav, licence: MIT}", NOISE)
    assert (fault.field, fault.line) == ("cues[0].vary.file", 4)
    assert told in fault.what


def test_a_recording_is_no_default(folder: Path) -> None:
    text = "catalog: x\ndefaults: {melody: {file: tune.wav, licence: MIT}}\ncues: [{state: a, prompt: p}]\n"
    with pytest.raises(BriefError, match="belongs to a cue"):
        read_bytes(text.encode(), folder / "brief.yaml")


def refused(path: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        references.checked(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.bin"])
def test_common_files_are_taken_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    kind = "WAV" if name.endswith("bin") else None
    soundfile.write(path, tone(2, channels=2, rate=44100), 44100, format=kind)
    assert references.checked(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_no_recording_of_one_second_to_ten_minutes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for sound, told in (
        (tone(0.5), "0.5 s"), (tone(601, rate=8000), "cut out the part"), (tone(2, channels=6), "6 channels"),
        (tone(2) * 0, "silent"), (tone(2) * np.float32("nan"), "silent"), (tone(2, rate=4000), "4000 Hz"),
        (tone(2, rate=44101), "44101 Hz"),
    ):  # fmt: skip
        rate = 8000 if len(sound) > 600 * 8000 else int(told[:-3]) if told.endswith(" Hz") else RATE
        soundfile.write(path, sound, rate, subtype="FLOAT")
        assert told in refused(path)
    path.write_bytes(b"")
    assert "cannot be read as audio" in refused(path)
    os.mkfifo(tmp_path / "pipe.wav")
    assert "is no file" in refused(tmp_path / "pipe.wav")


def test_three_hours_are_refused_by_their_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(3 * 60):
            file.write(np.tile(tone(1, rate=8000), (60, 1)))
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("it was decoded"))
    assert "10,800.0 s" in refused(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.truncate(references.MOST_BYTES + 1)
    assert "bytes, more than" in refused(path)


def test_a_header_that_promises_more_than_there_is_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(60), RATE)
    path.write_bytes(path.read_bytes()[: RATE // 2])
    assert "give a longer one" in refused(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_and_never_more(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    kind = data.draw(st.sampled_from(["WAV", "FLAC", "OGG", "AIFF", "MP3"]))
    soundfile.write(path, tone(1.5), RATE, format=kind)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, min(len(whole) - 1, 400)))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    try:
        digest = references.checked(path)
    except RecordingError as error:
        assert "; " in str(error)
        assert len(str(error)) < 300
    else:
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_recording_is_kept_and_found_by_its_digest(folder: Path, tmp_path: Path) -> None:
    file, cache = folder / "tune.wav", tmp_path / "cache"
    digest = references.checked(file)
    with pytest.raises(RecordingError, match="copy the file of that digest to"):
        references.kept(digest, cache)
    assert references.keep(file, digest, cache) == references.kept(digest, cache)
    assert references.kept(digest, cache).read_bytes() == file.read_bytes()
    file.unlink()
    assert references.keep(file, digest, cache) == references.kept(digest, cache)  # it is there already
    references.kept(digest, cache).write_bytes(b"other")
    with pytest.raises(RecordingError, match="was altered"):
        references.kept(digest, cache)


def test_a_file_that_changed_after_planning_is_not_kept(folder: Path, tmp_path: Path) -> None:
    file, cache = folder / "tune.wav", tmp_path / "cache"
    digest = references.checked(file)
    soundfile.write(file, tone(5), RATE)
    with pytest.raises(RecordingError, match="has changed since it was ordered"):
        references.keep(file, digest, cache)
    assert list((cache / references.FOLDER).iterdir()) == []


def test_the_policy_and_the_stored_order_name_the_same_material(folder: Path) -> None:
    for key in ("continue", "vary"):
        read = read_brief(ordered(folder, f"{key}: {{file: tune.wav, licence: CC-BY-4.0, source: a friend}}"))
        expected = Material("reference audio", "CC-BY-4.0", "tune.wav, a friend")
        assert reference_of(read.brief, 0) == (expected,)
        assert reference_of(read.brief, 1) == ()
        assert references_by_cue(read.text) == {"a": expected}
