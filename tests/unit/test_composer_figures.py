"""Every way of playing chords and basses fits every meter and sounds like what its name says."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from models.composer import accompaniment, bass
from models.composer.compose import plan
from models.composer.counterpoint import strand_of
from models.composer.figures import FIGURES
from models.composer.genre import STYLES, Chair
from models.composer.instruments import INSTRUMENTS
from models.composer.line import Event
from models.composer.piece import Piece, Seat
from models.words import METERS
from tests.unit.composer_orders import order

BASSES = [style for style in STYLES["bass"] if style]


@lru_cache(maxsize=64)
def piece(meter: str = "4/4", intensity: int = 3, key: str = "C major", loop: bool = True) -> Piece:
    return plan(order(meter=meter, key=key, bars=8, intensity=intensity, loop=loop, state="town"), 3)


def chords(style: str, of: Piece, role: str = "harmony", instrument: str = "piano") -> list[Event]:
    return accompaniment.write(of, Seat(role, instrument, Chair((instrument,), style=style), asked=True))


def low(style: str, of: Piece) -> list[Event]:
    return bass.write(of, Seat("bass", "bass", Chair(("bass",), style=style), asked=True))


def strokes(events: list[Event]) -> dict[float, list[int]]:
    found: dict[float, list[int]] = {}
    for event in sorted(events):
        found.setdefault(round(event.onset, 3), []).append(event.pitch)
    return found


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("style", sorted(FIGURES))
def test_every_figure_fits_every_meter(style: str, meter: str) -> None:
    of = piece(meter)
    events = chords(style, of)
    assert events
    assert all(-1e-9 <= event.onset < of.quarters and event.length > 0 for event in events)
    assert all(event.onset + event.length <= of.quarters + 1e-6 for event in events)
    assert all(INSTRUMENTS["piano"].low <= event.pitch <= INSTRUMENTS["piano"].high for event in events)
    assert all(1 <= event.velocity <= 127 for event in events)


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("style", BASSES)
def test_every_bass_fits_every_meter_and_begins_chords_on_their_bass(style: str, meter: str) -> None:
    of = piece(meter, intensity=4)
    events = low(style, of)
    assert events and all(28 <= event.pitch <= 55 and event.length > 0 for event in events)
    assert all(-1e-9 <= event.onset < of.quarters for event in events)
    starts = {round(event.onset, 3): event.pitch for event in events}
    slots = [slot for passage in of.passages for slot in passage.slots]
    if style != "drone":
        on_floor = [starts.get(round(slot.onset, 3), -1) % 12 == slot.floor for slot in slots]
        assert np.mean(on_floor) > 0.85


def test_oom_pah_pah_is_one_bass_note_and_two_chords() -> None:
    told = strokes(chords("waltz", piece("3/4")))
    first_bar = [len(keys) for time, keys in told.items() if time < 3]
    assert first_bar == [1, 3, 3] and min(told[0.0]) < min(told[1.0])


def test_stride_lies_lower_and_wider_than_a_waltz() -> None:
    wide, plain = strokes(chords("stride", piece())), strokes(chords("waltz", piece()))
    assert max(len(keys) for keys in wide.values()) >= 3
    assert any(keys[-1] - keys[0] == 12 and len(keys) == 2 for keys in wide.values())
    assert all(len(keys) != 2 for keys in plain.values())


def test_alberti_plays_one_note_at_a_time_from_below() -> None:
    told = strokes(chords("alberti", piece()))
    keys = [keys[0] for time, keys in told.items() if time < 2]
    assert all(len(each) == 1 for each in told.values()) and keys[0] == min(keys) and keys[1] == max(keys)


def test_off_beats_and_stabs_leave_the_beats_alone() -> None:
    of = piece()
    for style in ("offbeat", "stab"):
        assert all(of.meter.strength(time) <= 0.3 for time in strokes(chords(style, of)))
        assert max(event.length for event in chords(style, of)) < 0.5


def test_rolled_chords_rise() -> None:
    first = sorted(event for event in chords("rolled", piece()) if event.onset < 1)
    assert len(first) >= 3 and [event.pitch for event in first] == sorted(event.pitch for event in first)
    assert first[0].onset < first[1].onset


def test_a_drone_is_the_tonic_and_its_fifth() -> None:
    assert {event.pitch % 12 for event in chords("drone", piece(), "pads", "organ")} == {0, 7}
    octatonic = piece(key="C octatonic")
    assert {event.pitch % 12 for event in chords("drone", octatonic, "pads", "organ")} <= octatonic.key.collection


def test_quartal_voicings_leave_the_root_to_the_bass() -> None:
    of = plan(order(genre="jazz", key="C major", bars=16, state="town"), 5)
    seat = Seat("harmony", "piano", Chair(("piano",), style="quartal", patterns={"light": "-..............."}), True)
    told = strokes(accompaniment.write(of, seat))
    slots = {round(slot.onset, 3): slot for passage in of.passages for slot in passage.slots}
    sevenths = [
        time
        for time, slot in slots.items()
        if len(slot.harmony.tones) > 3 and time in told and slot.harmony.root != of.key.tonic
    ]
    rootless = [slots[time].harmony.root not in {key % 12 for key in told[time]} for time in sevenths]
    thirds = [slots[time].harmony.pitch_classes[1] in {key % 12 for key in told[time]} for time in sevenths]
    assert sevenths and np.mean(rootless) > 0.6 and np.mean(thirds) > 0.9


def test_power_chords_are_roots_and_fifths() -> None:
    seat = Seat("harmony", "distorted guitar", Chair((), style="power", patterns={"light": "x.x.x.x.x.x.x.x."}), True)
    of = plan(order(genre="metal", key="E minor", state="town"), 1)
    assert all(
        {(key - keys[0]) % 12 for key in keys} <= {0, 7} for keys in strokes(accompaniment.write(of, seat)).values()
    )


def test_octave_basses_alternate_and_subs_do_not_overlap() -> None:
    told = [event.pitch for event in low("octaves", piece(intensity=4))]
    assert sum(two - one == 12 for one, two in zip(told, told[1:], strict=False)) > len(told) / 4
    subs = low("sub", piece(intensity=4))
    assert all(one.onset + one.length <= two.onset for one, two in zip(subs, subs[1:], strict=False))


def test_a_march_alternates_root_and_fifth_and_a_drone_stays() -> None:
    of = piece("2/4", intensity=4)
    told = [(event.pitch - slot.harmony.root) % 12 for event in low("march", of) for slot in [_slot(of, event.onset)]]
    assert told.count(7) > len(told) / 5 and told.count(0) > len(told) / 4
    assert {event.pitch % 12 for event in low("drone", of)} == {of.key.tonic}


def test_a_walking_bass_walks() -> None:
    told = [event.pitch for event in low("walking", piece(intensity=4))]
    steps = np.abs(np.diff(told))
    assert np.mean(steps <= 5) > 0.75 and np.mean(steps == 0) < 0.15


@pytest.mark.parametrize("style", ["riff", "drone", "waltz", "stride"])
def test_figures_with_keys_of_their_own_stay_in_the_range_of_whoever_plays_them(style: str) -> None:
    for name, player in INSTRUMENTS.items():
        for key in ("E minor", "F minor", "G major", "C# phrygian", "A major") if player.pitched else ():
            told = [event.pitch for event in chords(style, piece(key=key), instrument=name)]
            assert told and player.low <= min(told) and max(told) <= player.high, (name, key)


def test_players_that_hear_a_melody_move_against_it() -> None:
    of = piece(intensity=4)
    melody = [event for passage in of.passages for event in passage.line]
    heard = replace(of, heard=(strand_of("melody", melody, of.starts, of.quarters),))
    deaf, hearing = low("eighths", of), low("eighths", heard)
    assert [event.onset for event in deaf] == [event.onset for event in hearing]


def _slot(of: Piece, time: float):
    return next(slot for passage in of.passages for slot in passage.slots if time < slot.end - 1e-6)
