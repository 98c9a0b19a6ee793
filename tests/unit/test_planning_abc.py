"""Themes in ABC notation from strangers: tunes are read as written, and nonsense is an error with its line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.composer.meter import parse_meter
from models.composer.theme import motif_of
from models.controls import Theme
from services.planning.abc_notation import MOST_BYTES, AbcError, read_tune
from services.planning.faults import BriefError
from services.planning.plan import plan
from services.planning.reader import read_brief
from services.planning.theme import MOST_BARS, MOST_NOTES, ThemeFileError, theme_from_abc
from tests.cards import cards_at


def notes(music: str, head: str = "M:4/4\nL:1/8\nK:C") -> list[tuple[float, float, int]]:
    return list(read_tune(f"X:1\nT:a tune\n{head}\n{music}\n".encode()).notes)


def pitches(music: str, head: str = "M:4/4\nL:1/8\nK:C") -> list[int]:
    return [pitch for _, _, pitch in notes(music, head)]


def lengths(music: str, head: str = "M:4/4\nL:1/8\nK:C") -> list[float]:
    return [length for _, length, _ in notes(music, head)]


def test_notes_have_pitch_onset_and_length_in_quarters() -> None:
    assert notes("C2 E G/ c'4 z/2 | B,,") == [
        (0, 1, 60), (1, 0.5, 64), (1.5, 0.25, 67), (1.75, 2, 84), (4, 0.5, 47)]


@pytest.mark.parametrize(
    ("key", "expected"),
    [("C", [65, 71]), ("G", [66, 71]), ("F", [65, 70]), ("Em", [66, 71]), ("D dor", [65, 71]), ("Bb", [65, 70]),
     ("A mix", [66, 71]), ("Dmin", [65, 70]), ("F# minor", [66, 71]), ("none", [65, 71]), ("E phrygian", [65, 71])],
)
def test_keys_give_their_accidentals(key: str, expected: list[int]) -> None:
    assert pitches("F B", f"M:4/4\nL:1/8\nK:{key}") == expected


def test_accidentals_hold_to_the_end_of_the_bar_and_in_their_octave() -> None:
    assert pitches("^F F f =F | F _B ^^C __d", "M:2/4\nL:1/8\nK:C") == [66, 66, 77, 65, 65, 70, 62, 72]


def test_ties_lengthen_and_slurs_do_not() -> None:
    assert lengths("C2-C2 (D2 E2) | F8-|F8") == [2, 1, 1, 8]


def test_broken_rhythms_and_tuplets() -> None:
    assert lengths("C2>D2 E2<F2 | G>>A") == [1.5, 0.5, 0.5, 1.5, 0.875, 0.125]
    assert lengths("(3CDE (3:2:2C2D2 F2") == pytest.approx([1 / 3] * 3 + [2 / 3] * 2 + [1])
    assert lengths("(5CDEFG", "M:6/8\nL:1/8\nK:C") == pytest.approx([0.3] * 5)


def test_rests_of_notes_and_of_bars() -> None:
    assert [onset for onset, _, _ in notes("z4 C4 | Z | C8")] == [2, 8]


def test_repeats_are_written_out_with_their_endings() -> None:
    assert pitches("|: C8 | D8 :| E8 |]") == [60, 62, 60, 62, 64]
    assert pitches("C8 |1 D8 :|2 E8 | F8 |]") == [60, 62, 60, 64, 65]
    assert pitches("C8 :: D8 :|") == [60, 60, 62, 62]
    assert pitches("|: C8 :| |: D8 | [1 E8 :| [2 F8 |]") == [60, 60, 62, 64, 62, 65]


def test_an_upbeat_stands_before_the_first_bar_line() -> None:
    assert [onset for onset, _, _ in notes("G2 | C8 | D8")] == [3, 4, 8]


def test_chords_give_their_top_note_and_ornaments_are_passed_over() -> None:
    assert notes('"Am"[CEG]2 {gag}~A2 !trill!B2 .c2 | w2'.replace(" | w2", "")) == [
        (0, 1, 67), (1, 1, 69), (2, 1, 71), (3, 1, 72)]


def test_fields_within_the_music() -> None:
    assert pitches("F [K:G] F\nK:F\nB\nw: la la\n% nothing\nc % at the end") == [65, 66, 70, 72]
    assert lengths("C [L:1/4] C") == [0.5, 1]


def test_the_unit_follows_the_meter_where_none_is_given() -> None:
    assert lengths("C", "M:2/4\nK:C") == [0.25]
    assert lengths("C", "M:3/4\nK:C") == [0.5]
    assert read_tune(b"X:1\nM:6/8\nK:C\nC").bar == 3.0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no field `K:`"), ("hello", "line 1: text before the fields"), ("X:1\nM:4/4\nL:1/8\n", "no field `K:`"),
        ("X:1\nK:H\nC", "line 2: not a key"), ("X:1\nK:D blues\nC", "line 2: not a key"),
        ("X:1\nK:B# lyd\nC", "more than seven"), ("X:1\nM:4/0\nK:C\nC", "line 2: not a fraction"),
        ("X:1\nM:none\nK:C\nC", "line 2: not a fraction"), ("X:1\nL:1/999\nK:C\nC", "line 2: not a fraction"),
        ("X:1\nK:C\nC D @ E", "line 3: cannot read '@ E' at column 5"), ("X:1\nK:C\nC/0", "line 3: no length"),
        ("X:1\nK:C\nC0", "line 3: no length"), ("X:1\nK:C\n>C", "line 3: > stands behind no note"),
        ("X:1\nK:C\n[CE", "line 3: cannot read"), ("X:1\nK:C\nC\nX:2\nK:C\nD", "line 4: a second tune"),
        ("X:1\nK:C\nV:1\nC\nV:2\nE", "line 5: a second voice"), ("X:1\nM:4/4\nK:C\nC\nM:3/4\nC", "line 5: the meter"),
        ("X:1\nK:C\n^c''''b''''", "outside of what can be played"),
        ('X:1\nK:C\n"Am C', "line 3: cannot read"),
        ("X:1\nK:C\n" + "C" * 5000, "more than 4096"), ("X:1\nK:C\n" + "C" * 60 + ":|" * 3, ""),
        ("X:1\nK:C\nC\x1b[31m", "line 3: cannot read"),
    ],
)
def test_what_is_no_tune_is_refused_with_its_line(text: str, what: str) -> None:
    if not what:
        read_tune(text.encode())
        return
    with pytest.raises(AbcError) as caught:
        read_tune(text.encode())
    assert what in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_is_too_long_or_no_text_is_refused() -> None:
    with pytest.raises(AbcError, match="too many"):
        read_tune(b"X:1\nK:C\n" + b"C" * MOST_BYTES)
    with pytest.raises(AbcError, match="UTF-8"):
        read_tune(b"X:1\nK:C\n\xff\xfe")


@pytest.mark.parametrize(
    ("music", "what"),
    [("", "holds no note"), ("C", "holds one note"), ("CDEF" * 33, "132 notes"), ("C8|" * 9, "9 bars")],
)
def test_what_is_no_motif_is_refused(music: str, what: str) -> None:
    with pytest.raises(ThemeFileError, match=what):
        theme_from_abc(f"X:1\nM:4/4\nL:1/8\nK:C\n{music}\n".encode())


def test_a_brief_takes_a_theme_from_an_abc_file(tmp_path: Path) -> None:
    (tmp_path / "t.abc").write_text("X:1\nT:Old song\nM:3/4\nL:1/4\nK:G\nG2A | B2d | c2A | G3 |]\n")
    path = tmp_path / "b.yaml"
    path.write_text("catalog: x\ntheme: {file: t.abc, licence: CC0-1.0}\ncues: [{state: a, prompt: p}]\n")
    theme = plan(read_brief(path), cards_at("r")).takes[0].controls.theme
    assert theme.bars == 4
    assert theme.notes[:3] == ((0, 2, 67), (2, 1, 69), (3, 2, 71))
    assert [tone.degree for tone in motif_of(theme, parse_meter("3/4")).head] == [0, 1]


def test_a_wrong_abc_file_is_a_fault_of_the_brief_s_line(tmp_path: Path) -> None:
    (tmp_path / "t.abc").write_text("X:1\nK:C\nCDE ? F\n")
    path = tmp_path / "b.yaml"
    path.write_text("catalog: x\ntheme: {file: t.abc, licence: CC0-1.0}\ncues: [{state: a, prompt: p}]\n")
    with pytest.raises(BriefError, match=r"b\.yaml:2: theme\.file: not a readable ABC tune: line 3: cannot read"):
        read_brief(path)


_PIECES = st.sampled_from(
    ["C", "^f'", "_B,", "z2", "Z", "|", "|:", ":|", "::", "[1", "|2", "(3", "(5:4:9", ">", "<<", "-", "[CEG]3/2", "/",
     "3", "{g}", '"A"', "!p!", "\n", "[K:Em]", "K:Bb\n", "M:3/4\n", "[L:1/16]", "%", "=", ",,", "X:2\n", "V:1\n", "]",
     "\\"]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(_PIECES, max_size=80).map("".join), st.text(max_size=60)), st.booleans())
def test_any_text_is_a_bounded_theme_or_an_error(music: str, headed: bool) -> None:
    text = f"X:1\nM:4/4\nL:1/8\nK:D\n{music}" if headed else music
    try:
        theme = theme_from_abc(text.encode("utf-8", "surrogatepass"))
    except ThemeFileError as error:
        assert str(error)
        return
    assert isinstance(theme, Theme)
    assert 2 <= len(theme.notes) <= MOST_NOTES
    assert 1 <= theme.bars <= MOST_BARS
    ends = 0.0
    for onset, length, pitch in theme.notes:
        assert onset >= ends - 1e-9
        assert length > 0
        assert 0 <= pitch <= 127
        ends = onset + length
    assert motif_of(theme, parse_meter("4/4")).tones
