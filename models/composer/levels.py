"""Levels of intensity: who of a piece plays at each of them, so that a game can fade from level to level in any bar.

All levels of a take are one piece: form, chords and melody are composed at its reference intensity, every player of it
is cast and written, and then the level decides who is heard. What a level has, every higher one has too. Nothing is
composed here but doublings, and nothing is random but who doubles.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.composer.dice import Dice
from models.composer.genre import Genre
from models.composer.instruments import INSTRUMENTS, banned
from models.composer.piece import Piece, Seat
from models.composer.score import Notes, Track
from models.controls import Controls

ENTERS = {
    "pads": 1, "melody": 1, "bass": 2, "harmony": 2, "ostinato": 3, "percussion": 3, "drums": 4, "counter": 4,
}
"""The lowest level at which each role is heard; whoever carries the harmony is heard at all of them."""
WHOLE_MELODY = 2  # below, the melody is only hinted at
DOUBLED = 5
DOUBLES = {"melody": (12, -12, 0), "counter": (12, -12, 0), "ostinato": (12, -12), "harmony": (12, 0), "pads": (0, 12),
           "bass": (12, 0)}
"""Roles that are doubled at the highest level, and by how many semitones, best first."""
_CARRIERS = ("pads", "harmony", "ostinato", "bass")
_HINT_BARS = 2  # of every second phrase
_HINT_TOUCH = 0.78
_BEHIND_DB = -4.0  # a doubling stands behind what it doubles


def seated(controls: Controls, piece: Piece, seats: Sequence[Seat]) -> list[Seat]:
    """The seats of a piece that has levels: nobody is left out for want of energy, the level alone decides, and one of
    the genre's players holds the texture that the lowest level rests on, whoever else was asked for."""
    if not controls.reference:
        return list(seats)
    return [replace(seat, asked=True) for seat in (*seats, *_texture(controls, piece, seats))]


def _texture(controls: Controls, piece: Piece, seats: Sequence[Seat]) -> list[Seat]:
    chair = piece.genre.roles.get("pads")
    if chair is None or any(seat.role == "pads" for seat in seats):
        return []
    out = banned(controls.excluded) | {seat.instrument for seat in seats}
    free = [name for name in _players(piece.genre, "pads") if name not in out]
    return [Seat("pads", free[0], replace(chair, instruments=(free[0],)), asked=True)] if free else []


def heard_at(controls: Controls, piece: Piece, seats: Sequence[Seat], tracks: Sequence[Track]) -> tuple[Track, ...]:
    """The tracks (one a seat) that are heard at the intensity of `controls`; all of them where there are no levels."""
    if not controls.reference:
        return tuple(tracks)
    level, roles = controls.intensity, {seat.role for seat in seats}
    carrier = next((role for role in _CARRIERS if role in roles), "")
    heard: list[Track] = []
    for seat, track in zip(seats, tracks, strict=True):
        if level < _enters(seat, carrier, roles) or not len(track.notes.onset):
            continue
        heard.append(_hinted(piece, track) if seat.role == "melody" and level < WHOLE_MELODY else track)
    return (*heard, *(_doublings(controls, piece, heard) if level >= DOUBLED else ()))


def _enters(seat: Seat, carrier: str, roles: set[str]) -> int:
    """The level at which a player comes in: doublers late, a kit earlier where there is no other percussion."""
    if seat.doubles:
        return max(ENTERS[seat.role], ENTERS["counter"])
    if seat.role == carrier:
        return 1
    if seat.role == "drums" and "percussion" not in roles:
        return ENTERS["percussion"]
    return ENTERS[seat.role]


def _hinted(piece: Piece, track: Track) -> Track:
    """The beginning of every second phrase, softly."""
    reach = _HINT_BARS * piece.meter.bar
    spans = [(passage.start, passage.start + min(reach, passage.length / 2 if passage.phrase.bars > 1 else reach))
             for passage in piece.passages if passage.phrase.index % 2 == 0]
    onset = track.notes.onset
    kept = np.zeros(len(onset), dtype=bool)
    for start, end in spans:
        kept |= (onset >= start - 0.1) & (onset < end - 0.1)
    soft = np.maximum(1, np.rint(track.notes.velocity * _HINT_TOUCH)).astype(np.int32)
    notes = Notes(onset[kept], track.notes.length[kept], track.notes.pitch[kept], soft[kept])
    return replace(track, notes=notes)


def _doublings(controls: Controls, piece: Piece, tracks: Sequence[Track]) -> list[Track]:
    """What every player who can be doubled is doubled by: another of the genre's players, else the same in octaves."""
    out = banned(controls.excluded)
    taken = {track.instrument for track in tracks}
    doubled: list[Track] = []
    for role, shifts in DOUBLES.items():
        first = next((track for track in tracks if track.role == role), None)
        if first is None:
            continue
        free = [name for name in _players(piece.genre, role) if name not in out and name not in taken]
        chosen = [Dice("double", role, controls.theme.seed).pick(free)] if free else []
        found = next(
            ((name, shift) for name in (*chosen, first.instrument) for shift in shifts
             if (shift or name != first.instrument) and _reaches(name, first.notes, shift)),
            None,
        )
        if found is not None:
            taken.add(found[0])
            doubled.append(_doubling(first, *found))
    return doubled


def _players(genre: Genre, role: str) -> list[str]:
    chair = genre.roles.get(role)
    return [name for name in chair.everyone if INSTRUMENTS[name].pitched] if chair else []


def _reaches(name: str, notes: Notes, shift: int) -> bool:
    instrument = INSTRUMENTS[name]
    return instrument.pitched and instrument.low <= int(notes.pitch.min()) + shift and (
        int(notes.pitch.max()) + shift <= instrument.high
    )


def _doubling(track: Track, instrument: str, shift: int) -> Track:
    pitch = (track.notes.pitch + shift).astype(np.int32)
    notes = Notes(track.notes.onset, track.notes.length, pitch, track.notes.velocity)
    return replace(
        track, name=f"{track.role}: {instrument} (doubling)", instrument=instrument, notes=notes,
        gain_db=track.gain_db + _BEHIND_DB, pan=-track.pan,
    )
