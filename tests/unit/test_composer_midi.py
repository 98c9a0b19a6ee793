"""A DAW opens the MIDI file and finds the piece: tempo, meter, key, markers, players, every note."""

from dataclasses import replace

import numpy as np
import pytest
import symusic
from composer_sounds import band, notes

from models.composer.bank import PRESETS
from models.composer.midi import TICKS, key_signature, midi_bytes
from models.composer.score import Section, Track
from models.words import INSTRUMENTS, MODES, TONICS


def opened(data: bytes) -> symusic.Score:
    return symusic.Score.from_midi(data)


def test_the_file_tells_tempo_meter_key_and_sections() -> None:
    score = replace(band(bpm=97.5), meter=(6, 8), key="Eb dorian", sections=(Section("A", 0, 2), Section("B", 2, 2)))
    file = opened(midi_bytes(score))
    assert file.ticks_per_quarter == TICKS
    assert file.tempos[0].qpm == pytest.approx(97.5, rel=1e-5)
    assert (file.time_signatures[0].numerator, file.time_signatures[0].denominator) == (6, 8)
    assert (file.key_signatures[0].key, file.key_signatures[0].tonality) == (-5, 1)
    assert [(marker.time, marker.text) for marker in file.markers] == [
        (0, "A, 2 bars of 6/8 at 97.5 bpm"), (2 * 3 * TICKS, "B, 2 bars of 6/8 at 97.5 bpm")]


def test_a_section_without_bars_marks_a_point() -> None:
    score = replace(band(), sections=(Section("to combat", 0, 2), Section("exit", 2, 0)))
    assert opened(midi_bytes(score)).markers[1].text == "exit"


def test_every_track_is_there_with_its_player_and_its_notes() -> None:
    score = band()
    file = opened(midi_bytes(score))
    assert [track.name for track in file.tracks] == [track.name for track in score.tracks]
    for written, track in zip(file.tracks, score.tracks, strict=True):
        preset = PRESETS[track.instrument]
        assert (written.program, written.is_drum) == (preset.program, preset.is_drum)
        assert len(written.notes) == len(track.notes.onset)
        table = written.notes.numpy()
        assert sorted(table["time"].tolist()) == sorted(np.round(track.notes.onset * TICKS).astype(int).tolist())
        assert sorted(table["pitch"].tolist()) == sorted(track.notes.pitch.tolist())


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_instrument_can_be_written(name: str) -> None:
    score = replace(band(), tracks=(Track("Player", "melody", name, notes((0, 1, 60, 100))),))
    assert len(opened(midi_bytes(score)).tracks[0].notes) == 1


def test_a_note_never_ends_the_next_one_of_its_pitch() -> None:
    overlapping = notes((0, 4, 60, 90), (1, 4, 60, 80), (2, 1, 60, 70))
    score = replace(band(), tracks=(Track("Piano", "harmony", "piano", overlapping),))
    table = opened(midi_bytes(score)).tracks[0].notes.numpy()
    assert table["duration"].tolist() == [TICKS, TICKS, TICKS]


def test_the_same_score_gives_the_same_bytes() -> None:
    assert midi_bytes(band()) == midi_bytes(band())


@pytest.mark.parametrize(
    ("key", "expected"),
    [("C major", (0, False)), ("A minor", (0, True)), ("D dorian", (0, True)), ("Eb major", (-3, False)),
     ("F# minor", (3, True)), ("E harmonic minor", (1, True)), ("F lydian", (0, False)), ("B locrian", (0, True)),
     ("G# major", (-4, False)), ("Db minor", (4, True))],
)  # fmt: skip
def test_key_signatures_are_those_of_the_textbook(key: str, expected: tuple[int, bool]) -> None:
    assert key_signature(key) == expected


def test_every_published_key_has_a_signature() -> None:
    for tonic in TONICS:
        for mode in MODES:
            assert abs(key_signature(f"{tonic} {mode}")[0]) <= 7


@pytest.mark.parametrize("key", ["", "H major", "C", "C blues", "c minor"])
def test_what_is_not_a_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is not a key"):
        key_signature(key)
