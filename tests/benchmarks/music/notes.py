"""What the notes of a score say of key, chords and voice leading, measured by counting.

Only tracks, chords and the order's key and meter are read; `Score.facts` never is. Scales and strong places are tables
of this file, so that a mistake in the composer's theory is not measured with itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.composer.instruments import INSTRUMENTS
from models.composer.score import Chord, Notes, Score, Track

NEAR = 0.12  # quarters: how far a player may be from a place and still be on it
HELD = 0.25  # quarters: how long a note sounds on beside a newer one to be part of a chord with it
CHORDS = ("harmony", "pads")  # roles that sound several voices
DOUBLED = 0.6  # share of common moments in octaves or unison from which two voices are one, doubled
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10), "lydian": (0, 2, 4, 6, 7, 9, 11), "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10), "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "major pentatonic": (0, 2, 4, 7, 9), "minor pentatonic": (0, 3, 5, 7, 10), "octatonic": (0, 1, 3, 4, 6, 7, 9, 10),
}  # fmt: skip
STRONG = {
    (4, 4): (0.0, 2.0), (3, 4): (0.0,), (2, 4): (0.0,), (6, 8): (0.0, 1.5), (5, 4): (0.0, 3.0), (7, 8): (0.0,),
    (9, 8): (0.0, 1.5, 3.0), (12, 8): (0.0, 3.0),
}  # fmt: skip
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Share:
    """A count out of a count, so that shares of takes can be pooled."""

    part: float
    whole: float

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else float("nan")


@dataclass(frozen=True)
class Vertical:
    """What one voice group strikes together: onset in quarters, pitches from below."""

    onset: float
    pitches: tuple[int, ...]


@dataclass(frozen=True)
class Motion:
    """One voice over one change of chord: where it came from and went."""

    voice: str
    change: int
    before: int
    after: int


def tonic_and_scale(key: str) -> tuple[int, frozenset[int]]:
    """The tonic's pitch class and the pitch classes of a key such as `F# dorian`."""
    name, _, mode = key.partition(" ")
    tonic = (_NATURALS[name[0]] + name.count("#") - name[1:].count("b")) % 12
    return tonic, frozenset((tonic + step) % 12 for step in SCALES[mode])


def pitched(score: Score) -> tuple[Track, ...]:
    """The tracks whose pitches are tones."""
    return tuple(track for track in score.tracks if INSTRUMENTS[track.instrument].pitched)


def weights(score: Score) -> NDArray[np.float64]:
    """Quarter notes sounded of every pitch class, (12,)."""
    total = np.zeros(12)
    for track in pitched(score):
        np.add.at(total, track.notes.pitch % 12, track.notes.length)
    return total


def inside_mode(score: Score, key: str) -> Share:
    """Quarter notes that belong to the ordered mode, of all."""
    _, scale = tonic_and_scale(key)
    total = weights(score)
    return Share(float(total[sorted(scale)].sum()), float(total.sum()))


def tonic_rank(score: Score, key: str) -> int:
    """Where the tonic stands among the pitch classes by duration; 1 is first."""
    tonic, _ = tonic_and_scale(key)
    total = weights(score)
    return int((total > total[tonic]).sum()) + 1


def ends_on_tonic(score: Score, key: str) -> bool:
    """Whether the lowest tone is the tonic where the piece arrives: at its last chord, or in a loop, whose last bar
    may lead back, at its last or its first."""
    tonic, _ = tonic_and_scale(key)
    places = [score.chords[-1], *score.chords[:1]] if score.loop else score.chords[-1:]
    return any(_bass_of(score, chord) % 12 == tonic for chord in places)


def _bass_of(score: Score, chord: Chord) -> int:
    """The lowest tone sounding when a chord has been struck, or the lowest begun later in it; 127 where there is none.
    """
    at, end = chord.onset + NEAR, chord.onset + chord.length - NEAR
    sounding = later = 127
    for track in pitched(score):
        if track.role in ("drums", "percussion"):
            continue
        onset, pitch = track.notes.onset, track.notes.pitch
        sounding = min(sounding, int(pitch[(onset < at) & (onset + track.notes.length > at)].min(initial=127)))
        later = min(later, int(pitch[(onset >= at) & (onset < end)].min(initial=127)))
    return sounding if sounding < 127 else later


def on_strong(notes: Notes, meter: tuple[int, int]) -> NDArray[np.bool_]:
    """Which notes begin on a strong place of the bar, as far as a player hits it."""
    bar = meter[0] * 4 / meter[1]
    place = notes.onset % bar
    found = np.zeros(len(place), dtype=bool)
    for strong in STRONG.get(meter, (0.0,)):
        away = np.abs(place - strong)
        found |= np.minimum(away, bar - away) < NEAR
    return found


def chord_tones(score: Score, *, melody_only: bool = False) -> Share:
    """Notes on strong places that belong to the chord there; of the melody and counter-melody, or of all tracks."""
    part = whole = 0
    starts = np.array([chord.onset for chord in score.chords])
    for track in pitched(score):
        if track.role in ("drums", "percussion") or (melody_only and track.stem != "melody"):
            continue
        strong = on_strong(track.notes, score.meter)
        for onset, pitch in zip(track.notes.onset[strong], track.notes.pitch[strong], strict=True):
            chord = score.chords[max(0, int(np.searchsorted(starts, onset + NEAR, side="right")) - 1)]
            part += int(pitch) % 12 in chord.pitch_classes
            whole += 1
    return Share(part, whole)


def verticals(notes: Notes) -> list[Vertical]:
    """Notes struck together (within the looseness of a strum), in order."""
    found: list[Vertical] = []
    group: list[int] = []
    start = -9.0
    for onset, pitch in zip(notes.onset, notes.pitch, strict=True):
        if onset - start > NEAR:
            if group:
                found.append(Vertical(start, tuple(sorted(set(group)))))
            group, start = [], float(onset)
        group.append(int(pitch))
    if group:
        found.append(Vertical(start, tuple(sorted(set(group)))))
    return found


def _with_held(struck: Sequence[Vertical], played: Notes) -> list[Vertical]:
    """Every vertical with the notes that were struck before it and sound on through it."""
    ends = played.onset + played.length
    found = []
    for each in struck:
        held = played.pitch[(played.onset < each.onset - 1e-9) & (ends >= each.onset + HELD)]
        found.append(Vertical(each.onset, tuple(sorted({*each.pitches, *(int(pitch) for pitch in held)}))))
    return found


def _changes(score: Score) -> list[tuple[float, float, float]]:
    """(start of the chord before, change, end of the new chord) wherever the tones of the chords differ."""
    return [
        (before.onset, after.onset, after.onset + after.length)
        for before, after in zip(score.chords, score.chords[1:], strict=False)
        if set(before.pitch_classes) != set(after.pitch_classes)
    ]


def _voices(track: Track) -> bool:
    return track.role in ("melody", "counter", "harmony", "pads", "bass")


def motions(score: Score) -> Iterator[Motion]:
    """Every voice over every change of chord: from what sounds at the last stroke before to that at the first after.

    A track that sounds chords of one size before and after has a voice for each note, counted from below; of
    different sizes, only its outer ones. A track that plays nothing but roots and fifths is one voice, thickened."""
    for number, track in enumerate(score.tracks):
        if not _voices(track) or not INSTRUMENTS[track.instrument].pitched:
            continue
        struck = verticals(track.notes)
        if track.role in CHORDS:
            struck = _with_held(struck, track.notes)
        thick = _is_thickened(struck)
        onsets = np.array([vertical.onset for vertical in struck])
        for change, (start, at, end) in enumerate(_changes(score)):
            after = int(np.searchsorted(onsets, at - NEAR))
            if after == 0 or after >= len(struck) or onsets[after] >= end - NEAR or onsets[after - 1] < start - NEAR:
                continue
            name = f"{track.role}:{number}"
            yield from _paired(name, change, struck[after - 1].pitches, struck[after].pitches, thick)


def _is_thickened(struck: Sequence[Vertical]) -> bool:
    """Power chords and octaves: every chord is its lowest note, its fifth and its octaves."""
    wide = [vertical for vertical in struck if len(vertical.pitches) > 1]
    plain = sum(all((pitch - each.pitches[0]) % 12 in (0, 7) for pitch in each.pitches) for each in wide)
    return bool(wide) and plain >= 0.9 * len(wide)


def _paired(name: str, change: int, before: tuple[int, ...], after: tuple[int, ...], thick: bool) -> Iterator[Motion]:
    if thick or (len(before) == len(after) == 1):
        yield Motion(name, change, before[0], after[0])
    elif len(before) == len(after):
        for voice, (old, new) in enumerate(zip(before, after, strict=True)):
            yield Motion(f"{name}.{voice}", change, old, new)
    else:
        yield Motion(f"{name}.0", change, before[0], after[0])
        if min(len(before), len(after)) > 1:
            yield Motion(f"{name}.top", change, before[-1], after[-1])


def parallels(score: Score) -> tuple[Share, dict[str, Share]]:
    """Parallel fifths, octaves and unisons of all pairs of voices that both move over a change of chord, and the same
    by the pair's roles (`bass-melody`).

    Doublings are no voices: a pair that is in octaves or unison in `DOUBLED` of all its moments is left out."""
    lines: dict[str, dict[int, Motion]] = {}
    for motion in motions(score):
        lines.setdefault(motion.voice, {})[motion.change] = motion
    by_roles: dict[str, list[int]] = {}
    for one, other in combinations(sorted(lines), 2):
        common = [(lines[one][change], lines[other][change]) for change in lines[one].keys() & lines[other].keys()]
        if not common or _are_doubled(common):
            continue
        moving = [(a, b) for a, b in common if a.before != a.after and b.before != b.after]
        tally = by_roles.setdefault("-".join(sorted((one.split(":")[0], other.split(":")[0]))), [0, 0])
        tally[0] += sum(_is_parallel(a, b) for a, b in moving)
        tally[1] += len(moving)
    shares = {roles: Share(part, whole) for roles, (part, whole) in by_roles.items()}
    return Share(sum(each.part for each in shares.values()), sum(each.whole for each in shares.values())), shares


def _are_doubled(common: Sequence[tuple[Motion, Motion]]) -> bool:
    octaves = sum((a.after - b.after) % 12 == 0 for a, b in common)
    octaves += sum((a.before - b.before) % 12 == 0 for a, b in common)
    return octaves >= DOUBLED * 2 * len(common)


def _is_parallel(a: Motion, b: Motion) -> bool:
    before, after = abs(a.before - b.before) % 12, abs(a.after - b.after) % 12
    same_way = (a.after > a.before) == (b.after > b.before)
    return before == after and before in (0, 7) and same_way


def line(notes: Notes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Onsets and pitches of the top note of everything struck together."""
    struck = verticals(notes)
    return np.array([each.onset for each in struck]), np.array([each.pitches[-1] for each in struck], dtype=np.int64)


def melody(score: Score) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The line of the melody (its busiest track where several play it); empty where nobody does."""
    leads = [track for track in score.tracks if track.role == "melody"]
    if not leads:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    return line(max(leads, key=lambda track: len(track.notes.onset)).notes)


@dataclass(frozen=True)
class Shape:
    """How a melody lies: mean pitch, range in semitones, share of leaps over a fifth, mean step, notes a bar."""

    register: float
    range: float
    leaps: float
    step: float
    density: float


def shape(score: Score) -> Shape | None:
    """The shape of the melody; None where it has fewer than three notes."""
    _, pitch = melody(score)
    if len(pitch) < 3:
        return None
    steps = np.abs(np.diff(pitch))
    return Shape(float(pitch.mean()), float(np.ptp(pitch)), float((steps > 7).mean()), float(steps.mean()),
                 len(pitch) / score.bars)  # fmt: skip
