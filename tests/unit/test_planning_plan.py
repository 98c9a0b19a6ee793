"""From a brief to takes: who wins, what is shared, how long it is, and what is refused."""

import json
from pathlib import Path

import pytest
import symusic
from hypothesis import event, given, settings
from hypothesis import strategies as st

from models.controls import Controls
from models.registry import CARDS
from models.words import GENRES, INSTRUMENTS, MOODS
from services.planning import timing
from services.planning.adhoc import adhoc
from services.planning.faults import BriefError
from services.planning.plan import Plan, plan
from services.planning.reader import read_brief, read_bytes
from services.planning.schema import json_schema
from services.planning.words import words
from tests.cards import cards_at

BRIEFS = Path(__file__).parents[2] / "flows" / "briefs"


def planned(cues: str, more: str = "", **options: object) -> Plan:
    return plan(read_bytes(f"catalog: x\n{more}cues:\n{cues}".encode(), Path("b.yaml")), cards_at("r"), **options)


def controls(cue: str, more: str = "") -> Controls:
    return planned(f"  - {{state: exploration, prompt: '{cue}'}}\n" if "{" not in cue else f"  - {cue}\n",
                   more).takes[0].controls


def by_cue(result: Plan) -> dict[str, Controls]:
    return {take.cue: take.controls for take in result.takes}


@pytest.mark.parametrize("name", ["rpg", "background", "tiny", "rpg-40h", "showcase"])
def test_example_briefs_plan_without_a_warning(name: str) -> None:
    result = plan(read_brief(BRIEFS / f"{name}.yaml", ["composer"]), cards_at("r"))
    assert [warning for warning in result.warnings if ": not understood: " not in warning] == []
    for take in result.takes:
        assert take.controls.genre in GENRES
        assert take.controls.mood in MOODS
        assert set(take.controls.instruments) <= set(INSTRUMENTS)
        assert Controls.from_json(json.loads(json.dumps(take.controls.as_json()))) == take.controls


def test_the_demo_brief_has_takes_over_three_states_that_share_theme_key_and_grid() -> None:
    result = plan(read_brief(BRIEFS / "rpg.yaml"), cards_at("r"))
    assert len(result.takes) >= 24
    assert {take.state for take in result.takes} == {"exploration", "combat", "boss"}
    assert len({(take.controls.theme, take.controls.key) for take in result.takes}) == 1
    assert {take.controls.bpm for take in result.takes} == {88, 132, 176}


def test_the_long_order_makes_each_ambient_layer_once() -> None:
    result = plan(read_brief(BRIEFS / "rpg-40h.yaml"), cards_at("r"))
    counts = {cue.name: sum(take.cue == cue.name for take in result.takes) for cue in result.cues}
    assert counts == {"exploration": 80, "low-tension": 80, "combat": 80, "boss": 80, "layers": 12}
    assert {take.zone for take in result.takes if take.cue == "layers"} == {None}
    assert {take.controls.duration for take in result.takes} == {60.0}
    assert {(take.delivery.formats, take.delivery.sample_rate, take.delivery.stems) for take in result.takes} == {
        (("wav",), 48000, True)
    }


def test_takes_come_by_cue_zone_point_and_index() -> None:
    result = planned(
        "  - {state: a, prompt: 'p {x} {y}', axes: {x: [u, v], y: [s, t]}, takes: 2}\n",
        "zones: [{name: one}, {name: two}]\n",
    )
    assert [(take.zone, *take.point.values(), take.index) for take in result.takes] == [
        (zone, x, y, index) for zone in ("one", "two") for x in "uv" for y in "st" for index in (0, 1)
    ]
    assert result.takes[0].prompt == "p u s"


def test_cues_are_made_for_the_zones_they_name() -> None:
    result = planned(
        "  - {state: a, prompt: p}\n  - {state: b, prompt: p, zones: none}\n  - {state: c, prompt: p, zones: [two]}\n",
        "zones: [{name: one}, {name: two}]\n",
    )
    assert [(take.cue, take.zone) for take in result.takes] == [("a", "one"), ("a", "two"), ("b", None), ("c", "two")]


def test_the_cue_wins_over_zone_defaults_and_prompt() -> None:
    more = "zones: [{name: z, key: G major, bpm: 100}]\ndefaults: {key: D minor, bpm: 90, genre: folk}\n"
    own = controls("{state: menu, prompt: slow rock in A minor, key: E minor, bpm: 77, genre: chiptune}", more)
    assert (own.key, own.bpm, own.genre) == ("E minor", 77, "chiptune")
    zone = controls("{state: menu, prompt: slow rock in A minor}", more)
    assert (zone.key, zone.bpm, zone.genre) == ("G major", 100, "folk")
    defaults = controls("{state: menu, prompt: slow rock in A minor}", more.split("\n")[1] + "\n")
    assert (defaults.key, defaults.bpm, defaults.genre) == ("D minor", 90, "folk")
    said = controls("{state: menu, prompt: slow rock in A minor}")
    assert (said.key, said.genre) == ("A minor", "rock")
    assert said.bpm <= 76


def test_the_prompt_wins_over_the_zone_s_identity() -> None:
    more = "zones: [{name: z, identity: 'sunny coast, folk, accordion town, no drums'}]\n"
    assert controls("{state: exploration, prompt: dark jazz}", more).genre == "jazz"
    assert controls("{state: exploration, prompt: dark jazz}", more).mood == "dark"
    plain = controls("{state: exploration, prompt: underscore}", more)
    assert (plain.genre, plain.mood) == ("folk", "hopeful")
    assert "drums" in plain.excluded


def test_a_fight_keeps_its_mood_and_tempo_in_a_peaceful_place() -> None:
    fight = controls("{state: combat, prompt: fight}", "zones: [{name: z, identity: 'calm slow ambient meadow'}]\n")
    assert (fight.mood, fight.genre) == ("urgent", "orchestral")
    assert fight.bpm >= 126


def test_states_differ_in_tempo_and_intensity() -> None:
    presets = by_cue(planned("".join(f"  - {{state: {s}, prompt: p}}\n" for s in ("exploration", "combat", "boss"))))
    assert presets["exploration"].bpm < presets["combat"].bpm < presets["boss"].bpm
    assert [presets[name].intensity for name in ("exploration", "combat", "boss")] == [2, 4, 5]


def test_listed_defaults_win_over_words_against_them() -> None:
    result = planned("  - {state: a, prompt: 'no flute, no harp'}\n", "defaults: {instruments: [flute, oboe]}\n")
    own = result.takes[0].controls
    assert own.instruments == ("flute", "oboe")
    assert own.excluded == ("harp",)
    assert "flute" in result.warnings[0]


def test_excluded_instruments_are_never_asked_for() -> None:
    jazz = controls("{state: music, prompt: 'jazz, no piano, drumless'}")
    assert set(jazz.instruments) == {"upright bass"}
    assert {"piano", "drums", "brushes"} <= set(jazz.excluded)


@pytest.mark.parametrize(
    ("prompt", "genre"),
    [("sad solo violin", "orchestral"), ("acoustic guitar and whistle", "folk"), ("distorted guitar and drums", "rock"),
     ("square lead", "chiptune"), ("brushes and upright bass", "jazz"), ("nothing named", "orchestral")],
)
def test_named_instruments_suggest_a_genre(prompt: str, genre: str) -> None:
    assert plan(adhoc(prompt, 1), cards_at("r")).takes[0].controls.genre == genre


def test_a_named_mood_bends_the_tempo_of_a_piece_that_names_none() -> None:
    tempi = [plan(adhoc(f"{mood} piece", 1), cards_at("r")).takes[0].controls.bpm for mood in ("sad", "plain", "happy")]
    assert tempi == sorted(set(tempi))


def test_a_solo_names_its_instrument_alone() -> None:
    assert controls("a jazz piano piece").instruments == ("piano",)


def test_what_was_understood_names_its_source_and_words() -> None:
    understood = plan(adhoc("an upbeat jazz piano piece", 1), cards_at("r")).understandings[0].understanding
    choices = {choice["field"]: choice for choice in understood.as_json()}
    assert choices["genre"] == {"field": "genre", "value": "jazz", "source": "prompt", "words": "jazz"}
    assert choices["bpm"]["words"] == "upbeat"
    assert choices["instruments"]["value"] == "piano"
    assert choices["duration"]["source"] == "cue"


def test_zones_derive_their_own_themes_from_the_catalog_s_and_their_states_share_them() -> None:
    cues = "  - {state: a, prompt: p}\n  - {state: b, prompt: p}\n  - {state: c, prompt: p, zones: none}\n"
    result = planned(cues, "zones: [{name: one}, {name: two}]\n")
    themes = {(take.zone, take.cue): take.controls.theme for take in result.takes}
    assert themes["one", "a"] == themes["one", "b"] != themes["two", "a"] == themes["two", "b"]
    assert len({theme.seed for theme in themes.values()}) == 1
    assert len({theme.variant for theme in themes.values()}) == 3
    assert themes[None, "c"].variant == 0


def test_the_states_of_a_zone_without_keys_or_tempi_share_a_tonic_and_a_tempo_grid() -> None:
    states = ("exploration", "combat", "boss", "dungeon", "town", "menu")
    cues = "".join(f"  - {{state: {state}, prompt: p}}\n" for state in states)
    result = planned(cues, "zones: [{name: one}, {name: two}, {name: three}]\n")
    for zone in ("one", "two", "three"):
        made = [take.controls for take in result.takes if take.zone == zone]
        assert len({each.key.split()[0] for each in made}) == 1
        assert len({each.key for each in made}) > 1
        assert all(timing.bars_meet(one.bpm, other.bpm) for one in made for other in made)


def test_another_state_of_a_zone_changes_none_that_is_there() -> None:
    zones = "zones: [{name: one}]\n"
    alone = planned("  - {state: combat, prompt: p}\n", zones)
    beside = planned("  - {state: town, prompt: p, key: F# dorian, bpm: 61}\n  - {state: combat, prompt: p}\n", zones)
    assert [take for take in beside.takes if take.cue == "combat"] == list(alone.takes)


def test_a_related_cue_without_a_key_stands_on_the_tonic_of_the_other() -> None:
    more = "relations: {boss: {of: exploration, share: [theme]}}\n"
    shared = by_cue(planned(RELATED + "  - {state: boss, prompt: organ}\n", more))
    assert shared["boss"].key == "E minor"


RELATED = "  - {state: exploration, prompt: 'calm, harp', bpm: 96, key: E dorian}\n"


def test_a_cue_that_shares_no_theme_has_its_own() -> None:
    more = "relations: {boss: {of: exploration, share: [key]}}\n"
    shared = by_cue(planned(RELATED + "  - {state: boss, prompt: organ}\n", more))
    assert shared["boss"].theme != shared["exploration"].theme
    assert shared["boss"].key == "E dorian"


def test_a_shared_key_yields_to_the_cue_s_own_with_a_warning() -> None:
    more = "relations: {boss: {of: exploration, share: [key]}}\n"
    result = planned(RELATED + "  - {state: boss, prompt: organ, key: E minor}\n", more)
    assert by_cue(result)["boss"].key == "E minor"
    assert "E dorian" in result.warnings[0]


def test_a_shared_grid_bends_the_tempo_to_a_simple_ratio() -> None:
    more = "relations: {combat: {of: exploration, share: [tempo-grid]}}\n"
    assert by_cue(planned(RELATED + "  - {state: combat, prompt: p}\n", more))["combat"].bpm == 144
    slow = by_cue(planned(RELATED + "  - {state: combat, prompt: very slow}\n", more))["combat"].bpm
    assert slow in (48, 64)


def test_a_tempo_off_the_shared_grid_is_a_warning() -> None:
    more = "relations: {combat: {of: exploration, share: [tempo-grid]}}\n"
    result = planned(RELATED + "  - {state: combat, prompt: p, bpm: 101}\n", more)
    assert by_cue(result)["combat"].bpm == 101
    assert "101 bpm is no simple ratio of the 96 bpm" in result.warnings[0]


def test_shared_instruments_come_before_the_cue_s_own() -> None:
    more = "relations: {boss: {of: exploration, share: [instruments]}}\n"
    shared = by_cue(planned(RELATED + "  - {state: boss, prompt: organ}\n", more))
    assert shared["boss"].instruments == ("harp", "organ")


def test_relations_are_followed_point_by_point_and_over_several_cues() -> None:
    result = planned(
        "  - {state: a, prompt: '{k}', axes: {k: [in C major, in D minor]}}\n"
        "  - {state: b, prompt: '{k}', axes: {k: [in C major, in D minor, in E minor]}}\n"
        "  - {state: c, prompt: p}\n",
        "relations: {b: {of: a, share: [key]}, c: {of: b, share: [key]}}\n",
    )
    assert [take.controls.key for take in result.takes] == [
        "C major", "D minor", "C major", "D minor", "C major", "C major"
    ]


@pytest.mark.parametrize(
    ("cue", "bars", "duration"),
    [
        ("bpm: 120, bars: 8, loop: true", 8, 16.0),
        ("bpm: 120, duration: 15, loop: true", 8, 16.0),
        ("bpm: 120, duration: 1, loop: true", 1, 2.0),
        ("bpm: 90, bars: 4, loop: true, meter: 6/8", 4, 8.0),
        ("bpm: 120, duration: 60", 28, 60.0),
        ("bpm: 120, duration: 10", 4, 10.0),
        ("bpm: 120, bars: 8", 8, 18.5),
        ("bpm: 120, loop: true", 16, 32.0),
        ("bpm: 120, form: loop", 16, 32.0),
    ],
)
def test_bars_and_seconds_agree(cue: str, bars: int, duration: float) -> None:
    result = controls(f"{{state: a, prompt: p, {cue}}}")
    assert (result.bars, result.duration) == (bars, duration)
    assert result.loop == ("loop" in cue)


def test_a_prompt_alone_may_say_how_long_it_is_and_that_it_loops() -> None:
    def made(prompt: str) -> Controls:
        return plan(adhoc(prompt, 1), cards_at("r")).takes[0].controls

    assert made("calm harp").duration == 30
    assert made("a 10 second harp jingle").duration == 10
    looped = made("a seamless 8-bar harp loop at 120 bpm")
    assert (looped.loop, looped.bars, looped.duration, looped.form) == (True, 8, 16.0, "loop")


def test_a_cue_s_own_length_replaces_that_of_the_defaults() -> None:
    assert controls("{state: a, prompt: p, duration: 10}", "defaults: {bars: 64}\n").duration == 10
    assert controls("{state: a, prompt: p, bars: 2, loop: true}", "defaults: {duration: 99}\n").bars == 2


@pytest.mark.parametrize(
    ("cue", "field", "what"),
    [
        ("bpm: 20, duration: 2", "cues[0].duration", "not one bar"),
        ("bpm: 20, bars: 4000", "cues[0].bars", "more than 1800 s"),
        ("form: intro-A-B-A-outro, bars: 4", "cues[0].bars", "too few for the 5 sections"),
    ],
)
def test_impossible_lengths_are_faults_with_a_line(cue: str, field: str, what: str) -> None:
    with pytest.raises(BriefError) as caught:
        planned(f"  - {{state: a, prompt: p, {cue}}}\n")
    (fault,) = caught.value.faults
    assert (fault.file, fault.line, fault.field) == ("b.yaml", 3, field)
    assert what in fault.what


def test_only_and_takes_restrict_the_order() -> None:
    text = "  - {state: a, prompt: p, takes: 3}\n  - {name: b2, state: b, prompt: p}\n"
    assert not planned(text).restricted
    for only in ("b", "b2"):
        result = planned(text, only=only)
        assert result.restricted
        assert [take.cue for take in result.takes] == ["b2"]
    fewer = planned(text, takes=2)
    assert fewer.restricted
    assert len(fewer.takes) == 4
    assert {take.id for take in planned(text, only="a", takes=1).takes} < {take.id for take in planned(text).takes}


def test_an_order_by_prompt_alone_never_says_what_else_its_catalog_holds() -> None:
    assert plan(adhoc("calm harp", 1), cards_at("r")).restricted


def test_an_unknown_state_is_told_the_known_ones() -> None:
    with pytest.raises(BriefError, match="the brief has: a, b"):
        planned("  - {state: a, prompt: p}\n  - {state: b, prompt: p}\n", only="c")


@pytest.mark.parametrize(
    ("options", "field"), [({"takes": 0}, "takes"), ({"takes": -1}, "takes"), ({"use": "theft"}, "use")]
)
def test_wrong_overrides_are_refused(options: dict[str, object], field: str) -> None:
    with pytest.raises(BriefError) as caught:
        planned("  - {state: a, prompt: p}\n", **options)
    assert [fault.field for fault in caught.value.faults] == [field]


def test_an_unknown_generator_is_refused() -> None:
    read = read_bytes(b"catalog: x\ngenerator: other\ncues: [{state: a, prompt: p}]\n", Path("b.yaml"))
    with pytest.raises(BriefError, match=r"b\.yaml:2: generator: unknown generator"):
        plan(read, CARDS)
    assert plan(read, CARDS, generator="composer").generators[0][0] == "composer"


def test_more_takes_than_the_ceiling_are_refused_before_they_are_counted_out() -> None:
    cue = "  - {state: a, prompt: 'p {x}', axes: {x: [u, v]}, takes: 999999999999}\n"
    with pytest.raises(BriefError, match="more than the ceiling of 1,000,000"):
        planned(cue)
    with pytest.raises(BriefError, match="ceiling of 3"):
        planned(cue, takes=2, ceiling=3)
    assert len(planned(cue, takes=2, ceiling=4).takes) == 4


def _midi(path: Path, notes: list[tuple[int, int, int]]) -> None:
    score = symusic.Score(480)
    track = symusic.Track()
    for time, duration, pitch in notes:
        track.notes.append(symusic.Note(time, duration, pitch, 90))
    score.tracks.append(track)
    score.dump_midi(str(path))


def test_a_theme_file_gives_its_top_line(tmp_path: Path) -> None:
    _midi(tmp_path / "t.mid", [(480, 960, 60), (480, 960, 72), (960, 480, 74), (1440, 480, 76)])
    path = tmp_path / "b.yaml"
    path.write_text("catalog: x\ntheme: {file: t.mid, licence: CC0-1.0}\ncues: [{state: a, prompt: p}]\n")
    theme = plan(read_brief(path), cards_at("r")).takes[0].controls.theme
    assert theme.notes == ((0.0, 1.0, 72), (1.0, 1.0, 74), (2.0, 1.0, 76))
    assert theme.bars == 1
    assert theme.seed > 0


@pytest.mark.parametrize("notes", [[], [(n * 120, 120, 60) for n in range(129)], [(0, 480 * 40, 60)]])
def test_a_theme_file_without_a_usable_melody_is_refused(tmp_path: Path, notes: list[tuple[int, int, int]]) -> None:
    _midi(tmp_path / "t.mid", notes)
    path = tmp_path / "b.yaml"
    path.write_text("catalog: x\ntheme: {file: t.mid, licence: CC0-1.0}\ncues: [{state: a, prompt: p}]\n")
    with pytest.raises(BriefError, match=r"b\.yaml:2: theme\.file"):
        read_brief(path)


@pytest.mark.parametrize("of", [60.0, 72.0, 96.0, 133.0, 290.0])
@pytest.mark.parametrize("wanted", [20.0, 84.0, 145.0, 300.0])
def test_the_grid_stays_within_the_tempi_of_a_brief(wanted: float, of: float) -> None:
    bpm = timing.on_grid(wanted, of)
    assert 20 <= bpm <= 300
    assert timing.is_on_grid(bpm, of)


def test_the_schema_describes_every_field_and_lists_its_words() -> None:
    schema = json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    json.dumps(schema)
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            assert field.get("description"), name
        assert part["additionalProperties"] is False
    cue = json.dumps(schema["$defs"]["Cue"])
    for listed in ("genres", "moods", "instruments", "meters", "formats"):
        assert all(json.dumps(word) in cue for word in words()[listed])


@pytest.mark.parametrize("name", ["rpg", "background", "tiny", "rpg-40h", "showcase"])
def test_example_briefs_keep_to_the_published_schema(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    import yaml

    data = yaml.safe_load((BRIEFS / f"{name}.yaml").read_text())
    validator = jsonschema.Draft202012Validator(json_schema())
    assert list(validator.iter_errors(data)) == []
    assert list(validator.iter_errors({**data, "colour": "red"}))


_CUE_KEYS = {
    "name": st.sampled_from(["a", "b", "c", "d"]),
    "prompt": st.sampled_from(["slow jazz, no drums", "{x} fight in D minor", "8-bar loop", "fast 200 bpm waltz", "p"]),
    "axes": st.sampled_from([{"x": ["u", "in E major"]}, {"x": ["v"]}]),
    "zones": st.sampled_from(["all", "none", ["one"], ["one", "two"]]),
    "bpm": st.sampled_from([20, 71.5, 96, 144, 300]),
    "key": st.sampled_from(["D minor", "f# Dorian"]),
    "meter": st.sampled_from(["4/4", "6/8", "7/8"]),
    "duration": st.sampled_from([1, 20, 60, 90, 1800]),
    "bars": st.sampled_from([5, 8, 16, 64, 4000]),
    "form": st.sampled_from(["loop", "A-B", "intro-A-B-A-outro"]),
    "loop": st.booleans(),
    "stems": st.booleans(),
    "instruments": st.sampled_from([["harp"], "flute, 808"]),
    "genre": st.sampled_from(["rock", "lofi"]),
    "mood": st.sampled_from(["sad", "epic"]),
    "formats": st.sampled_from([["wav"], ["mp3", "ogg"]]),
    "takes": st.integers(1, 3),
}
_CUE = st.fixed_dictionaries({}, optional=_CUE_KEYS)
_NAMES = st.sampled_from(["a", "b", "c", "d"])
_RELATION = st.fixed_dictionaries(
    {"of": _NAMES, "share": st.lists(st.sampled_from(["theme", "key", "tempo-grid", "instruments"]), min_size=1,
                                     unique=True)}
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["exploration", "combat", "boss", "other"]), _CUE), min_size=1, max_size=4),
    _CUE, st.dictionaries(_NAMES, _RELATION, max_size=3), st.booleans(),
)
def test_a_brief_is_planned_whole_or_refused(
    cues: list[tuple[str, dict]], defaults: dict, relations: dict, zoned: bool
) -> None:
    named = [{"name": name, "state": state, "prompt": "p", **cue, **{"name": name}}
             for name, (state, cue) in zip("abcd", cues, strict=False)]
    names = [cue["name"] for cue in named]
    related = {name: relation for name, relation in relations.items() if name in names and relation["of"] in names}
    data = {"catalog": "x", "cues": named, "defaults": {**defaults, "takes": 1}, "relations": related}
    data["defaults"].pop("name", None)
    if zoned:
        data["zones"] = [{"name": "one", "key": "G major", "bpm": 80}, {"name": "two", "identity": "calm jazz cave"}]
    try:
        result = plan(read_bytes(json.dumps(data).encode(), Path("b.yaml")), cards_at("r"))
    except BriefError as error:
        event("refused")
        assert all(fault.file == "b.yaml" and fault.line for fault in error.faults)
        return
    event("planned")
    assert len({take.id for take in result.takes}) == len(result.takes) > 0
    for take in result.takes:
        made = take.controls
        music = made.bars * timing.quarters_per_bar(made.meter) * 60 / made.bpm
        assert made.duration == music if made.loop else made.duration >= music - 1e-6
        assert 20 <= made.bpm <= 300
        assert not set(made.instruments) & set(made.excluded)


def test_published_words_are_lists_of_distinct_words() -> None:
    for name, listed in words().items():
        assert len(set(listed)) == len(listed) > 0, name


def test_a_sentence_that_says_nothing_is_told_so() -> None:
    assert any("nothing in the prompt was understood" in w for w in plan(adhoc("asdf qwer", 1), cards_at("r")).warnings)
    assert not plan(adhoc("an upbeat jazz piano piece", 1), cards_at("r")).warnings
