"""The score as a multi-track MIDI file, for people who go on composing: it sounds plausible without our bank, too.

Type 1, 960 ticks to the quarter: tempo, meter, key signature, section markers, and for every track its name, General
MIDI program, volume and pan. Written with symusic; the same score gives the same bytes.
"""

import numpy as np
from numpy.typing import NDArray

from models.composer.bank import PRESETS
from models.composer.score import Notes, Score, Section, Track

TICKS = 960
_MAJOR = {
    "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F#": 6, "C#": 7, "F": -1, "Bb": -2, "Eb": -3, "Ab": -4, "Db": -5,
    "Gb": -6,
}
_SHARPS_OF_MODE = {
    "major": 0, "lydian": 1, "mixolydian": -1, "dorian": -2, "minor": -3, "harmonic minor": -3, "phrygian": -4,
    "locrian": -5, "major pentatonic": 0, "minor pentatonic": -3, "octatonic": -3,
}
_MINOR_LIKE = ("minor", "harmonic minor", "dorian", "phrygian", "locrian", "minor pentatonic", "octatonic")
_ENHARMONIC = {"D#": "Eb", "G#": "Ab", "A#": "Bb"}


def key_signature(key: str) -> tuple[int, bool]:
    """Sharps (negative: flats) and whether minor, of a key such as `Eb major` or `F# dorian`.

    Signatures that would need more than seven accidentals are written with their enharmonic neighbour. ValueError for
    what is not a key.
    """
    tonic, _, mode = key.partition(" ")
    tonic = _ENHARMONIC.get(tonic, tonic)
    if tonic not in _MAJOR or mode not in _SHARPS_OF_MODE:
        raise ValueError(f"{key!r} is not a key such as 'Eb major' or 'F# dorian'")
    sharps = _MAJOR[tonic] + _SHARPS_OF_MODE[mode]
    if abs(sharps) > 7:
        sharps -= 12 if sharps > 0 else -12
    return sharps, mode in _MINOR_LIKE


def _ticks(quarters: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.round(quarters * TICKS).astype(np.int32)


def _lengths(notes: Notes, starts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Lengths in ticks; a note ends where the next one of its pitch begins, or its end would silence that one."""
    lengths = np.maximum(_ticks(notes.onset + notes.length) - starts, 1)
    for pitch in np.unique(notes.pitch).tolist():
        own = np.flatnonzero(notes.pitch == pitch)
        gaps = np.diff(starts[own])
        lengths[own[:-1]] = np.minimum(lengths[own[:-1]], np.maximum(gaps, 1))
    return lengths.astype(np.int32)


def _controls(track: Track) -> list[tuple[int, int]]:
    volume = int(round(min(127, max(1, 96 * 10 ** (track.gain_db / 40)))))
    pan = int(round(64 + 63 * max(-1.0, min(1.0, track.pan))))
    return [(7, volume), (10, pan), (91, int(round(127 * min(1.0, max(0.0, track.reverb)))))]


def _marker(score: Score, section: Section) -> str:
    """The name of a section with its length, meter and tempo; of a point in time (no bars) the name alone."""
    if not section.bars:
        return section.name
    return f"{section.name}, {section.bars} bars of {score.meter[0]}/{score.meter[1]} at {score.bpm:g} bpm"


def midi_bytes(score: Score) -> bytes:
    """The file. Raises ValueError for a key that is not one, KeyError for an instrument that the bank lacks."""
    import symusic

    file = symusic.Score(TICKS)
    sharps, minor = key_signature(score.key)
    file.tempos.append(symusic.Tempo(0, score.bpm))
    file.time_signatures.append(symusic.TimeSignature(0, *score.meter))
    file.key_signatures.append(symusic.KeySignature(0, sharps, int(minor)))
    bar = score.meter[0] * 4 * TICKS / score.meter[1]
    for section in score.sections:
        file.markers.append(symusic.TextMeta(int(round(section.bar * bar)), _marker(score, section)))
    for track in score.tracks:
        preset = PRESETS[track.instrument]
        player = symusic.Track(track.name, preset.program, preset.is_drum)
        starts = _ticks(track.notes.onset)
        lengths = _lengths(track.notes, starts)
        pitch, velocity = track.notes.pitch.astype(np.int8), track.notes.velocity.astype(np.int8)
        player.notes = symusic.Note.from_numpy(starts, lengths, pitch, velocity, "tick")
        for number, value in _controls(track):
            player.controls.append(symusic.ControlChange(0, number, value))
        file.tracks.append(player)
    return bytes(file.dumps_midi())
