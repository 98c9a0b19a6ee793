"""What free text is understood as: genre, mood, tempo, key, instruments, and what it rules out."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.words import GENRES, INSTRUMENTS, METERS, MODES, MOODS, TONICS
from services.planning import lexicon, scenes
from services.planning.prompt import read_prompt


def values(hits: tuple) -> list[str]:
    return [hit.value for hit in hits]


@pytest.mark.parametrize(
    ("text", "genre"),
    [
        ("an upbeat jazz piano piece", "jazz"), ("swing tune", "jazz"), ("LoFi beats", "lo-fi"),
        ("lo-fi hip-hop", "lo-fi"), ("8-bit adventure", "chiptune"), ("8\u2011bit", "chiptune"),
        ("bossa nova", "bossa-nova"), ("EDM banger", "electronic"), ("minimal techno", "techno"),
        ("drum and bass", "drum-and-bass"), ("drum'n'bass", "drum-and-bass"), ("ｊａｚｚ", "jazz"),
        ("celtic reel", "celtic"), ("deep house", "house"), ("a tavern song", "medieval"), ("drill beat", "trap"),
        ("military parade", "march"), ("survival horror", "horror"), ("j-pop", "city-pop"),
        ("a Viennese waltz", "waltz"), ("retrowave drive", "synthwave"), ("cinematic drum and bass", "drum-and-bass"),
        ("symphonic sweep", "orchestral"), ("heavy metal", "metal"),
    ],
)
def test_genres_are_known_by_their_common_names(text: str, genre: str) -> None:
    reading = read_prompt(text)
    assert reading.genre is not None
    assert reading.genre.value == genre


@pytest.mark.parametrize(
    ("text", "mood"),
    [("a sad song", "melancholic"), ("spooky, eerie cave", "mysterious"), ("CALM morning", "calm"),
     ("heroic theme", "epic"), ("jolly", "happy"), ("not sad but happy", "happy")],
)
def test_moods_are_known_by_their_synonyms(text: str, mood: str) -> None:
    reading = read_prompt(text)
    assert reading.mood is not None
    assert reading.mood.value == mood


@pytest.mark.parametrize(
    ("text", "instruments"),
    [
        ("electric piano", ["electric piano"]), ("piano", ["piano"]), ("violins and celli", ["violin", "cello"]),
        ("low brass", ["low brass"]), ("drum kit", ["drums"]), ("bass drum", ["drums"]), ("bass guitar", ["bass"]),
        ("808s", ["sub bass", "trap drums"]), ("acoustic guitars", ["acoustic guitar"]),
        ("double bass", ["contrabass"]), ("english horn", ["oboe"]), ("french horns", ["horn"]),
        ("horn section", ["brass"]),
        ("harpsichords and organisation", ["harpsichord"]), ("bassinet, pianola, drummer", []),
        ("synths", ["synth lead", "synth pad"]),
        ("string bass", ["contrabass"]), ("music-box", ["music box"]), ("pizzicato", ["pizzicato strings"]),
        ("palm-muted riffs", ["muted guitar"]), ("tremolo strings", ["tremolo strings"]),
        ("Rhodes", ["electric piano"]), ("an arpeggiated line", ["pluck"]),
    ],
)
def test_the_longest_name_of_an_instrument_counts_on_whole_words(text: str, instruments: list[str]) -> None:
    assert values(read_prompt(text).instruments) == instruments


@pytest.mark.parametrize(
    ("text", "instruments", "excluded"),
    [
        ("no flute", [], ["flute"]),
        ("choir, organ and brass, relentless, no flute", ["choir", "organ", "brass"], ["flute"]),
        ("calm, no drums or brass, warm strings", ["strings"],
         [*lexicon.FAMILIES["drums"], *lexicon.FAMILIES["brass"]]),
        ("without drums and violin", [], [*lexicon.FAMILIES["drums"], "violin"]),
        ("without drums but with violin", ["violin"], [*lexicon.FAMILIES["drums"]]),
        ("no loud drums", [], [*lexicon.FAMILIES["drums"]]),
        ("no drums. harp", ["harp"], [*lexicon.FAMILIES["drums"]]),
        ("drumless", [], [*lexicon.FAMILIES["drums"]]),
        ("drum-free harp", ["harp"], [*lexicon.FAMILIES["drums"]]),
        ("fluteless", [], ["flute"]),
        ("instrumental, piano", ["piano"], ["choir", "solo voice"]),
        ("no vocals", [], ["choir", "solo voice"]), ("without any singing", [], ["choir", "solo voice"]),
        ("less drums", [], [*lexicon.FAMILIES["drums"]]),
        ("taiko, no other percussion", ["taiko"],
         [name for name in lexicon.FAMILIES["percussion"] if name != "taiko"]),
        ("flute, no flute", [], ["flute"]),
        ("no-nonsense drums", ["drums"], []),
        ("not only drums but also harp", ["drums", "harp"], []),
        ("don\u2019t use violins", [], ["violin"]),
        ("no guitars", [], [*lexicon.FAMILIES["guitar"]]),
        ("no electric guitar", [], ["electric guitar"]),
    ],
)
def test_negation_reaches_over_its_list_and_no_further(text: str, instruments: list[str], excluded: list[str]) -> None:
    reading = read_prompt(text)
    assert values(reading.instruments) == instruments
    assert sorted(values(reading.excluded)) == sorted(excluded)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("in D minor", "D minor"), ("in F# dorian", "F# dorian"), ("in b\u266d major", "Bb major"),
        ("E-flat major", "Eb major"), ("c sharp minor", "C# minor"), ("In A major, waltz", "A major"),
        ("in a minor", "A minor"), ("A minor", "A minor"), ("in Dm", "D minor"),
        ("G harmonic minor", "G harmonic minor"), ("D minor pentatonic", "D minor pentatonic"), ("key of C", "C major"),
        ("F#m groove", "F# minor"), ("C octatonic", "C octatonic"), ("in D, slow", "D major"), ("in A hurry", None),
        ("a minor mishap", None), ("A major battle", None), ("a dorian melody", None), ("minor key", None),
        ("C minority", None), ("vitamin abc major", None),
    ],
)
def test_keys_are_read_and_articles_are_not(text: str, key: str | None) -> None:
    reading = read_prompt(text)
    assert (reading.key.value if reading.key else None) == key


@pytest.mark.parametrize(
    ("text", "mode"),
    [("minor key", "minor"), ("in a major key", "major"), ("dorian mode", "dorian"), ("in minor", "minor"),
     ("a major battle", None), ("minor detail", None)],
)
def test_a_mode_may_be_named_without_a_tonic(text: str, mode: str | None) -> None:
    reading = read_prompt(text)
    assert (reading.mode.value if reading.mode else None) == mode


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [
        ("at 120 bpm", 120, 120), ("120BPM", 120, 120), ("92.5 bpm", 92.5, 92.5), ("tempo 140", 140, 140),
        ("slow", 40, 76), ("very slow", 40, 60), ("fast", 144, 190), ("fast jazz", 144, 190), ("andante", 76, 92),
        ("allegro", 124, 148), ("upbeat", 110, 170), ("driving", 132, 180), ("slow, at 150 bpm", 150, 150),
    ],
)
def test_tempo_words_and_numbers_set_the_tempo(text: str, lowest: float, highest: float) -> None:
    tempo = read_prompt(text).tempo
    assert tempo is not None
    assert lowest <= tempo.applied_to(104) <= highest


@pytest.mark.parametrize("text", ["5 bpm", "999 bpm", "1120 bpm", "fasten", "808"])
def test_what_is_no_tempo_sets_none(text: str) -> None:
    assert read_prompt(text).tempo is None


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("a 30 second jingle", "duration", "30"), ("90-second cue", "duration", "90"),
        ("two minutes", "duration", "120"),
        ("1.5 min", "duration", "90"), ("80s synthwave", "duration", None), ("9999 minutes", "duration", None),
        ("a 16-bar loop", "bars", "16"), ("12-bar blues", "bars", None), ("minute details", "duration", None),
        ("seamless loop", "loop", "true"), ("not looping", "loop", "false"), ("loopy", "loop", None),
        ("with a clear ending", "loop", "false"), ("one-shot", "loop", "false"), ("half a minute", "duration", "30"),
        ("a minute and a half", "duration", "90"), ("1:30 long", "duration", "90"), ("45s", "duration", "45"),
        ("90s", "duration", None), ("90s long", "duration", "90"), ("lasting 60s", "duration", "60"),
        ("two verses and a chorus", "form", "verse-verse-chorus"), ("AABA", "form", "A-A-B-A"),
        ("intro, verse, pre-chorus, chorus, outro", "form", "intro-verse-prechorus-chorus-outro"),
        ("rondo form", "form", "A-B-A-C-A"), ("a catchy chorus", "form", None), ("ABBA", "form", None),
        ("a build-up to a climax", "shape", "intro-A-build-climax-outro"), ("80s synths", "era", "80s"),
        ("final boss battle", "state", "boss"), ("a dungeon with a boss fight", "state", "boss"),
    ],
)
def test_lengths_and_loops_are_read(text: str, field: str, value: str | None) -> None:
    hit = getattr(read_prompt(text), field)
    assert (hit.value if hit else None) == value


def test_meters_are_read_from_signs_and_dances() -> None:
    said = {"in 6/8": "6/8", "a waltz": "3/4", "5/4 groove": "5/4", "in 7": "7/8", "in seven": "7/8",
            "waltz time": "3/4", "six-eight": "6/8", "odd meter": "7/8"}  # fmt: skip
    assert {text: read_prompt(text).meter.value for text in said} == said
    assert read_prompt("on 24/7, 13/8").meter is None
    assert read_prompt("in 3 minutes").meter is None


def test_an_adjective_before_an_instrument_is_its_colour() -> None:
    reading = read_prompt("soft percussion")
    assert reading.mood is None
    assert reading.colour is not None
    assert reading.colour.value == "calm"


def test_every_phrase_of_the_lexicon_means_published_words() -> None:
    for table, published in (("genre", GENRES), ("mood", MOODS), ("instrument", INSTRUMENTS), ("mode", MODES)):
        for phrase, names in lexicon.lookup(table).items():
            assert set(names) <= set(published), phrase
            assert phrase == phrase.casefold().replace("-", " "), phrase
    for names in (*lexicon.FAMILIES.values(), *(colours for _, colours in scenes.BIOMES.values())):
        assert set(names) <= set(INSTRUMENTS)
    assert {mood for mood, _ in scenes.BIOMES.values()} <= set(MOODS)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_published_instrument_is_understood(name: str) -> None:
    assert values(read_prompt(name).instruments) == [name]
    assert name in values(read_prompt(f"no {name}").excluded)


_TEXT = st.text(max_size=300) | st.lists(
    st.sampled_from(["no", "not", "drums", "piano", ",", ".", "in", "a", "A", "minor", "120", "bpm", "less", "-free",
                     "slow", "jazz", "or", "and", "6/8", "#", "\u266d", "\u0130", "ß", "ﬁ", "\ud800", "\x00"]),
    max_size=30,
).map(" ".join)


@settings(max_examples=500, deadline=None)
@given(_TEXT)
@example("no " * 500)
@example("in a " * 300)
def test_any_text_is_read_as_published_words(text: str) -> None:
    reading = read_prompt(text)
    assert reading.genre is None or reading.genre.value in GENRES
    assert reading.mood is None or reading.mood.value in MOODS
    assert reading.meter is None or reading.meter.value in METERS
    assert set(values(reading.instruments)) <= set(INSTRUMENTS)
    assert set(values(reading.excluded)) <= set(INSTRUMENTS)
    assert not set(values(reading.instruments)) & set(values(reading.excluded))
    if reading.key is not None:
        tonic, _, mode = reading.key.value.partition(" ")
        assert tonic in TONICS
        assert mode in MODES
    if reading.tempo is not None:
        assert 20 <= reading.tempo.applied_to(100) <= 300
