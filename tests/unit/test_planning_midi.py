"""Theme files from strangers: notes are read as they were written, and damage is an error, never a crash."""

from pathlib import Path

import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from models.controls import Theme
from services.planning.midi import MidiError, MidiNote, read_notes
from services.planning.theme import MOST_BARS, MOST_NOTES, ThemeFileError, theme_from_midi


def smf(*events: bytes, division: int = 96, kind: int = 0) -> bytes:
    track = b"".join(events)
    head = b"MThd" + (6).to_bytes(4, "big") + kind.to_bytes(2, "big") + b"\x00\x01" + division.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


END = b"\x00\xff\x2f\x00"


def test_notes_are_read_with_running_status_and_silent_note_ons() -> None:
    data = smf(b"\x00\xff\x03\x01x", b"\x00\x90\x3c\x40", b"\x60\x3c\x00", b"\x00\x3e\x40",
               b"\x81\x40\x80\x3e\x00", END)
    assert read_notes(data) == (96, [MidiNote(0, 96, 60), MidiNote(96, 192, 62)])


def test_drums_controllers_and_system_messages_are_passed_over() -> None:
    data = smf(b"\x00\xf0\x02\x01\xf7", b"\x00\xb0\x07\x40", b"\x00\xc0\x05", b"\x00\x99\x24\x40", b"\x10\x89\x24\x40",
               b"\x00\x90\x3c\x40", b"\x60\x80\x3c\x40", END)
    assert read_notes(data)[1] == [MidiNote(16, 96, 60)]


def test_a_note_without_end_lasts_to_the_end_of_its_track() -> None:
    notes = read_notes(smf(b"\x00\x90\x3c\x40", b"\x60\x90\x40\x40", END))[1]
    assert notes == [MidiNote(0, 96, 60), MidiNote(96, 1, 64)]


def test_it_reads_what_our_own_writer_writes(tmp_path: Path) -> None:
    score, track = symusic.Score(480), symusic.Track()
    for onset, length, pitch in ((0, 240, 60), (240, 240, 64), (480, 960, 67)):
        track.notes.append(symusic.Note(onset, length, pitch, 90))
    score.tracks.append(track)
    score.dump_midi(str(tmp_path / "t.mid"))
    assert read_notes((tmp_path / "t.mid").read_bytes()) == (
        480, [MidiNote(0, 240, 60), MidiNote(240, 240, 64), MidiNote(480, 960, 67)]
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a MIDI file"), (b"RIFF" + b"\x00" * 20, "not a MIDI file"), (smf(END, kind=2), "format 2"),
        (smf(END, division=0), "ticks"), (smf(END, division=0xE250), "ticks"), (smf(END)[:-1], "before its length"),
        (smf(b"\x00\x90\x3c"), "before its length"), (smf(b"\x00\x3c\x40"), "known status"),
        (smf(b"\x00\x90\x3c\xff"), "above 127"), (smf(b"\xff\xff\xff\xff\x00"), "four bytes"),
        (smf(b"\x00\xff\x01\x7fx"), "before its length"),
        (smf(b"\x00\x90\x3c\x40" + b"\x00\x3c\x40" * 100_000), "events"),
    ],
)
def test_damaged_files_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(MidiError, match=words):
        read_notes(data)


_GOOD = smf(b"\x00\x90\x3c\x40", b"\x60\x80\x3c\x40", b"\x00\x90\x40\x40", b"\x60\x80\x40\x40", END)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(_GOOD) - 1), st.binary(max_size=3), st.integers(0, 3)), max_size=6),
)
def test_any_damage_is_a_bounded_theme_or_an_error(damage: list[tuple[int, bytes, int]]) -> None:
    data = _GOOD
    for at, inserted, removed in damage:
        data = data[:at] + inserted + data[at + removed :]
    try:
        theme = theme_from_midi(data)
    except ThemeFileError:
        return
    assert isinstance(theme, Theme)
    assert 1 <= len(theme.notes) <= MOST_NOTES
    assert 1 <= theme.bars <= MOST_BARS
    ends = 0.0
    for onset, length, pitch in theme.notes:
        assert onset >= ends - 1e-9
        assert length > 0
        assert 0 <= pitch <= 127
        ends = onset + length
