"""Names are found however they are written, and ordinary words only where the text says that a name is meant."""

import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.rights.guard import Guard, Match
from services.rights.guard.lists import SHIPPED, read_lists

HEADER = "name\taliases\tkind\tambiguity\tdied\tsource\tlicence\n"


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard.load(on=date(2026, 11, 22))


GUARD = Guard.load(on=date(2026, 11, 22))


def names(text: str, weight: str = "refused") -> list[str]:
    return [match.name for match in GUARD.check(text) if match.weight == weight]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("epic score like Hans Zimmer", "Hans Zimmer"), ("zimmer braaam", "Hans Zimmer"),
        ("a METALLICA riff", "Metallica"), ("beatles harmonies", "The Beatles"), ("The Beatles", "The Beatles"),
        ("Simon and Garfunkel guitars", "Simon & Garfunkel"), ("Simon & Garfunkel", "Simon & Garfunkel"),
        ("guns n roses solo", "Guns N' Roses"), ("AC/DC", "AC/DC"), ("acdc stomp", "AC/DC"), ("Beyonce", "Beyoncé"),
        ("Björk", "Björk"), ("bjork", "Björk"), ("Zelda dungeon", "The Legend of Zelda"),
        ("skyrim tavern", "The Elder Scrolls"),
        ("hotel california outro", "Hotel California"), ("Nobuo Uematsu", "Nobuo Uematsu"),
        ("久石譲風の曲", "Joe Hisaishi"),
        ("Виктор Цой", "Viktor Tsoi"), ("blink-182 drums", "Blink-182"), ("Blink 182", "Blink-182"),
        ("U2 guitars", "U2"),
        ("P!nk", "P!nk"), ("Ke$ha!", "Ke$ha"), ("kesha", "Ke$ha"), ("A$AP Rocky", "A$AP Rocky"),
        ("Metallica's", "Metallica"), ("Metallica-esque", "Metallica"), ("Zimmeresque swells", "Hans Zimmer"),
        ("Stravinsky", "Igor Stravinsky"), ("Shostakovich", "Dmitri Shostakovich"), ("Star Wars march", "Star Wars"),
        ("metallica2", "Metallica"), ("lofi(metallica)", "Metallica"),
    ],
)
def test_names_are_refused_wherever_they_stand(text: str, name: str) -> None:
    assert name in names(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ｍｅｔａｌｌｉｃａ", "𝐌𝐞𝐭𝐚𝐥𝐥𝐢𝐜𝐚", "𝓜𝓮𝓽𝓪𝓵𝓵𝓲𝓬𝓪", "Ⓜⓔⓣⓐⓛⓛⓘⓒⓐ", "🅼🅴🆃🅰🅻🅻🅸🅲🅰", "🇲 🇪 🇹 🇦 🇱 🇱 🇮 🇨 🇦", "ᴍᴇᴛᴀʟʟɪᴄᴀ",
        "M\u200be\u200ct\u200da\u2060l\ufeffl\u00adica", "Me\u0301t\u0336a\u0308llica", "Mеtаllіса", "Μεταllica",
        "M3t4ll1c4", "M3tall1ca", "Met@llic@", "MetaIIica", "Meta||ica", "metal1ica", "M e t a l l i c a",
        "M.e.t.a.l.l.i.c.a",
        "M-e-t-a-l-l-i-c-a", "M_e_t_a_l_l_i_c_a", "M  e  t  a  l  l  i  c  a", "M*e*t*a*l*l*i*c*a", "M!e!t!a!l!l!i!c!a",
        "Metal.lica", "Metal_lica", "Me ta ll ic a", "\u202eacillateM\u202c", "\u2067acillateM\u2069", "Metallllica",
        "Mmmetallica", "Metaaaallicaaaa", "InTheStyleOfMetallica", "Metallica\u0000", "Me\u0000tallica",
        "M\u3164etallica",
        "\U000e004dMetal\U000e0061lica", "METALLICA!!!", "«Metallica»", "metallica/megadeth", "Ⅿetallica",
    ],
)
def test_disguises_do_not_hide_a_name(text: str) -> None:
    found = [match for match in GUARD.check(f"riffs, {text}, fast") if match.name == "Metallica"]
    assert [match.weight for match in found] == ["refused"]


@pytest.mark.parametrize(
    "text", ["H-a-n-s Z.i.m.m.e.r", "HansZimmer", "hans_zimmer", "H4ns Z1mmer", "Ηаns Ζimmеr", "h a n s z i m m e r",
             "Hans\u00a0Zimmer", "Hans\nZimmer", "h.a.n.s zimmer", "H@ns-Z!mmer"]
)
def test_disguises_do_not_hide_a_name_of_two_words(text: str) -> None:
    assert names(f"trailer by {text}") == ["Hans Zimmer"]


FRAMES = (
    "in the style of {}", "In The Style Of {}", "like {}'s", "sounds like {}", "à la {}", "a la {}", "{}-like",
    "{} style",
    "{} type beat", "by {}", "{} cover", "inspired by {}", "a song by {}", "in the manner of the band {}",
    "like the legendary rock band {}", "cover of {}", "reminiscent of early {}", "{}-esque", "{}esque",
    "as played by {}",
    "similar to {}, but slower", "imitating {}", "in the vein of {}", "tribute to {}", "{}-inspired",
)
ORDINARY = ("Queen", "Kiss", "Air", "Journey", "Rush", "Bush", "Genesis", "Prince", "Cream", "Muse", "Hole",
            "Garbage", "Tool",
            "Train", "Nirvana", "Halo", "Doom", "Portal", "Fable", "Destiny")


@pytest.mark.parametrize("frame", FRAMES)
def test_an_ordinary_word_is_refused_where_the_text_says_that_it_is_a_name(frame: str) -> None:
    assert {word: names(frame.format(word)) for word in ORDINARY if not names(frame.format(word))} == {}


@pytest.mark.parametrize(
    "text",
    ["in the style of queen", "à la kiss", "queen type beat", "like queen", "sounds like queen, but slower",
     "inspired by queen", "in the style of the band journey", "queenesque", "in the style of Ｑｕｅｅｎ",
     "like Q u e e n",
     "in the style of qu33n", "𝗂𝗇 𝗍𝗁𝖾 𝗌𝗍𝗒𝗅𝖾 𝗈𝖿 𝗊𝗎𝖾𝖾𝗇", "іn thе stуle оf queen", "1n th3 styl3 0f queen",
     "i n t h e s t y l e o f q u e e n", "in-the-style-of-queen", "in_the_style_of_queen", "sounds like Qu\u200been",
     "in the style of nirvana", "nirvana cover", 'the song "Yesterday"', "like Yesterday by", "cover of Yesterday",
     "the song called Hello", "in the style of Chicago"],
)
def test_the_words_around_count_in_small_letters_and_in_disguise(text: str) -> None:
    assert names(text)


@pytest.mark.parametrize(
    "text", ["queen of the forest", "kiss of the night air", "a journey across the rush", "the Queen of the Forest",
             "Kiss of the Night Air", "a pink sky", "yesterday's rain", "hello from the hills", "imagine a lake",
             "AABA form, A-B-B-A", "chords A C D C", "brush strokes, fairest journeyman, unkissed",
             "Queens of the hive"]
)
def test_ordinary_words_pass_in_silence(text: str) -> None:
    assert GUARD.check(text) == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [("a state of nirvana", "Nirvana"), ("a slow Queen ballad", "Queen"), ("smoke on the water", "Smoke on the Water"),
     ("metal lica", "Metallica"), ("Qu\u0435en of ice", "Queen"), ("sounds like air", "Air")],
)
def test_doubtful_words_are_warned_of_and_pass(text: str, name: str) -> None:
    assert names(text) == []
    assert names(text, "doubtful") == [name]


@pytest.mark.parametrize("text", ["Bach-like fugue", "in the style of Mozart", "like Debussy", "Satie", "by Ravel",
                                  "Holst", "Prokofiev", "Rachmaninoff", "in the style of Béla Bartók",
                                  "R i c h a r d W a g n e r"])
def test_composers_in_the_public_domain_pass(text: str) -> None:
    assert GUARD.check(text) == ()


@pytest.mark.parametrize(
    ("day", "refused"), [(date(2023, 12, 31), True), (date(2024, 1, 1), False), (date(2026, 11, 22), False)]
)
def test_protection_ends_with_the_seventieth_year_after_the_death(day: date, refused: bool) -> None:
    assert bool(Guard.load(on=day).check("like Prokofiev, d. 1953")) is refused


def test_a_living_namesake_is_refused_where_the_whole_name_stands() -> None:
    assert names("Sebastian Bach") == ["Sebastian Bach"]
    assert names("Johann Sebastian Bach") == []


def test_a_match_shows_the_words_of_the_user_and_where_the_name_comes_from() -> None:
    text = "calm, then H-a-n-s Z\u200b.i.m.m.e.r drums"
    (match,) = GUARD.check(text)
    assert (match.text, match.name) == ("H-a-n-s Z\u200b.i.m.m.e.r", "Hans Zimmer")
    assert (match.kind, match.weight) == ("composer", "refused")
    assert text[match.start:match.end] == match.text
    assert (match.source, match.licence) == ("general knowledge", "CC0-1.0")
    assert match.why == "names the composer Hans Zimmer, spelt out"


def test_the_cue_is_said() -> None:
    (match,) = GUARD.check("in the style of queen")
    assert match.why == "names the band Queen (`style of ...`)"


def test_the_longest_name_is_told_once() -> None:
    assert names("Queens of the Stone Age") == ["Queens of the Stone Age"]
    assert names("Emerson, Lake & Palmer") == ["Emerson, Lake & Palmer"]


def test_the_shipped_list_is_long_and_clean() -> None:
    rows = {spelling.row for spelling in read_lists((SHIPPED,))}
    assert len(rows) >= 4000
    by_kind = {kind: sum(row.kind == kind for row in rows) for kind in ("artist", "band", "composer", "song", "game",
    "trademark")}
    assert min(by_kind.values()) >= 300
    names_of = [(row.name.casefold(), row.kind) for row in rows]
    assert len(set(names_of)) == len(names_of)
    assert all(unicodedata.is_normalized("NFC", row.name) for row in rows)
    assert {(row.source, row.licence) for row in rows} == {("general knowledge", "CC0-1.0")}
    assert all(row.died is None or (row.kind == "composer" and 1100 < row.died < 2027) for row in rows)


CERTAIN = ("Metallica", "Hans Zimmer", "Taylor Swift", "Radiohead", "Nobuo Uematsu", "Bohemian Rhapsody", "Pink Floyd",
           "Daft Punk", "Star Wars", "Minecraft", "Iron Maiden", "Depeche Mode", "P!nk")
LOOKS = {"a": "аαᴀɑ", "c": "сϲ", "e": "еҽ", "i": "іι", "o": "оοօ", "p": "рρ", "s": "ѕ", "x": "хχ", "y": "у",
         "k": "к", "m": "м",
         "t": "т", "h": "һ", "n": "п", "r": "ᴦ"}
LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1|"}


def look_alike(letters: list[str], at: int) -> None:
    options = LOOKS.get(letters[at].lower())
    letters[at] = options[at % len(options)] if options else letters[at]


def leet(letters: list[str], at: int) -> None:
    options = LEET.get(letters[at].lower())
    letters[at] = options[at % len(options)] if options else letters[at]


def wide(letters: list[str], at: int) -> None:
    if len(letters[at]) == 1 and letters[at].isascii() and letters[at].isalpha():
        letters[at] = chr(ord(letters[at]) + 0xFEE0)


def mathematical(letters: list[str], at: int) -> None:
    if len(letters[at]) == 1 and "a" <= letters[at] <= "z":
        letters[at] = chr(0x1D41A + ord(letters[at]) - ord("a"))


def accent(letters: list[str], at: int) -> None:
    letters[at] += "\u0301\u0336"[at % 2] if letters[at].isalpha() else ""


def invisible(letters: list[str], at: int) -> None:
    letters[at] += ("\u200b", "\u2060", "\u00ad", "\u034f", "\ufe0f", "\x01")[at % 6]


def upper(letters: list[str], at: int) -> None:
    letters[at] = letters[at].upper()


TRICKS = (look_alike, wide, mathematical, accent, invisible, upper)


@st.composite
def disguised(draw: st.DrawFn) -> tuple[str, str]:
    """A refused name and a way of writing it: tricks on letters, then perhaps spacing, then perhaps reversal."""
    name = draw(st.sampled_from(CERTAIN))
    letters = list(name)
    for at in draw(st.lists(st.integers(0, len(name) - 1), max_size=len(name) // 4, unique=True)):
        leet(letters, at)
    for trick, at in draw(st.lists(st.tuples(st.sampled_from(TRICKS), st.integers(0, len(name) - 1)), max_size=12)):
        trick(letters, at)
    gap = draw(st.sampled_from(["", "", " ", "-", ".", "_", "\u00a0", " . "]))
    written = gap.join(letters)
    if draw(st.booleans()):
        written = "\u202e" + written[::-1] + "\u202c"
    return name, written


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(disguised(), st.sampled_from(["{}", "a calm piece, {} and strings", "in the style of {}", "«{}» loop"]))
def test_any_composition_of_tricks_is_still_refused(pair: tuple[str, str], frame: str) -> None:
    name, written = pair
    text = frame.format(written)
    assert name in names(text), text


def check_spans(text: str, found: tuple[Match, ...]) -> None:
    for match in found:
        assert 0 <= match.start < match.end <= len(text)
        assert match.text == text[match.start:match.end]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec=None), max_size=200))
@example("\ud800\udfff Metallica \x00")
@example("\u202e" * 50 + "Metallica")
@example("!$@|+(" * 40)
@example("M" * 500)
def test_no_text_makes_it_fail(text: str) -> None:
    check_spans(text, GUARD.check(text))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(
    ["Queen", "Metallica", "in the style of", "\u202e", "\u200b", "!", "$", " ", "a", "l", "1", "the", "ﷺ", "ǆ", "ß",
     "İ", "\n", "like",
     "Zimmer", "Hans", "久石譲", "\ud83d", "e\u0301"]), max_size=40))
def test_spans_are_those_of_the_text(parts: list[str]) -> None:
    text = "".join(parts)
    check_spans(text, GUARD.check(text))


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "queen " * 16_000, "m e t a l l i c a " * 5_000, "\u202e" * 100_000, "!" * 100_000,
    "in the style of " * 6_000]
)
def test_a_hundred_thousand_characters_are_checked(text: str) -> None:
    check_spans(text, GUARD.check(text))


def test_a_list_of_the_users_own_is_looked_for_too_and_wins(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    own.write_text(HEADER + "The Lamplighters\tLamplight Five\tband\t\t\tour contracts\tLicenseRef-own\n"
                   "Zelda\t\tgame\tordinary\t\tour contracts\tLicenseRef-own\n")
    guard = Guard.load((own,))
    (match,) = guard.check("like lamplight five")
    assert (match.name, match.source, match.licence) == ("The Lamplighters", "our contracts", "LicenseRef-own")
    assert guard.check("zelda the baker") == ()
    assert guard.names >= GUARD.names + 1
