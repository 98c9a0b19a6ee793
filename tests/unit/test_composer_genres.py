"""Every genre is read, composes in every meter at every intensity, and has what a listener knows it by."""

from collections.abc import Sequence
from importlib import resources

import numpy as np
import pytest
import yaml
from composer_orders import order

from models.composer import effects, tunes
from models.composer.character import character_of
from models.composer.compose import compose
from models.composer.fills import KEYS
from models.composer.genre import MANNERS, NOISES, genre, read_genre
from models.composer.score import Score, Track
from models.words import GENRES, INSTRUMENTS, METERS
from services.planning import presets

NEAR = 0.09  # quarter notes: what people play "on" a place of the bar


def played(name: str, intensity: int = 4, seed: int = 3, **changes: object) -> Score:
    """Sixteen bars of a genre as planning orders them: its usual tempo and players."""
    preset = presets.genre(name)
    state = str(changes.get("state", "music"))
    meter = "3/4" if name == "waltz" else "4/4"
    wanted = {"meter": meter, "bpm": preset.bpm, "instruments": preset.players(state), "state": state, **changes}
    return compose(order(genre=name, intensity=intensity, **wanted), seed)


def tracks(score: Score, role: str) -> list[Track]:
    return [track for track in score.tracks if track.role == role]


def onsets(score: Score, role: str, *voices: str) -> np.ndarray:
    """Onsets of a role in quarters; of a kit those of some voices."""
    keys = [KEYS[voice] for voice in voices]
    found = [
        track.notes.onset[np.isin(track.notes.pitch, keys)] if voices else track.notes.onset
        for track in tracks(score, role)
    ]
    return np.sort(np.concatenate(found)) if found else np.zeros(0)


def share(times: np.ndarray, score: Score, place: float, every: int = 1) -> float:
    """The share of bars in which something sounds at a place of the bar (quarters); `every` n-th bar only."""
    bar = score.quarters / score.bars
    wanted = np.arange(0, score.bars, every) * bar + place
    return float(np.mean([np.any(np.abs(times - at) < NEAR) for at in wanted]))


def on_all(times: np.ndarray, score: Score, places: Sequence[float]) -> float:
    return min(share(times, score, place) for place in places)


def test_every_published_genre_has_a_file_and_every_file_is_published() -> None:
    files = {
        entry.name[:-5] for entry in resources.files("models.composer.genres").iterdir() if entry.name[-5:] == ".yaml"
    }
    assert files == set(GENRES)


@pytest.mark.parametrize("name", GENRES)
def test_every_genre_composes_in_every_meter_at_every_intensity(name: str) -> None:
    for meter in METERS:
        for intensity in range(1, 6):
            score = compose(order(genre=name, meter=meter, intensity=intensity, bars=4), 11)
            assert score.tracks, (name, meter, intensity)
            assert all((track.notes.onset < score.quarters).all() for track in score.tracks)


@pytest.mark.parametrize("name", GENRES)
def test_planning_knows_tempo_and_players_of_every_genre(name: str) -> None:
    preset = presets.genre(name)
    assert preset.tempo[0] <= preset.bpm <= preset.tempo[1] and preset.players("exploration")
    assert set(preset.players("boss")) <= set(INSTRUMENTS)
    assert preset.tempo[0] <= preset.near(20) <= preset.near(400) <= preset.tempo[1]


def test_fights_of_the_orchestra_have_players_of_their_own() -> None:
    score = played("orchestral", 5, state="boss")
    assert tracks(score, "ostinato")[0].instrument == "short strings"
    assert tracks(score, "percussion")[0].instrument == "taiko"
    assert tracks(score, "melody")[0].instrument in ("horn", "trumpet", "brass")


@pytest.mark.parametrize("name", GENRES)
def test_takes_of_one_cue_do_not_share_their_onsets(name: str) -> None:
    def slots(seed: int) -> set[tuple[int, int]]:
        score = played(name, 3, seed)
        notes = [track.notes for track in score.tracks if track.stem == "drums"]
        notes = notes or [track.notes for track in score.tracks]
        return {(round(at * 4), int(key)) for some in notes for at, key in zip(some.onset, some.pitch, strict=True)}

    takes = [slots(seed) for seed in range(4)]
    for place, one in enumerate(takes):
        for two in takes[:place]:
            assert len(one ^ two) >= 0.1 * len(one | two)


# What a listener knows a genre by.


@pytest.mark.parametrize("name", ["house", "techno", "electronic"])
def test_the_kick_of_the_club_is_on_every_beat(name: str) -> None:
    score = played(name)
    assert on_all(onsets(score, "drums", "kick"), score, (0, 1, 2, 3)) >= 0.75
    assert share(onsets(score, "drums", "kick"), score, 0) >= 0.9


def test_house_claps_on_two_and_four_and_opens_the_hat_between_the_beats() -> None:
    score = played("house")
    assert on_all(onsets(score, "drums", "clap"), score, (1, 3)) >= 0.8
    assert on_all(onsets(score, "drums", "open hat"), score, (0.5, 1.5, 2.5)) >= 0.8
    assert share(onsets(score, "drums", "open hat"), score, 0) < 0.2
    assert score.desk.pump > 0


def test_techno_stays_on_a_chord_and_rolls_below_the_kick() -> None:
    score = played("techno")
    bass = onsets(score, "bass")
    assert on_all(bass, score, (0.5, 1.5, 2.5, 3.5)) >= 0.6
    assert max(chord.length for chord in score.chords) >= 8


@pytest.mark.parametrize("seed", range(4))
def test_the_waltz_has_its_bass_on_one_and_its_chords_on_two_and_three(seed: int) -> None:
    score = played("waltz", 3, seed, meter="3/4")
    bass, chords = onsets(score, "bass"), onsets(score, "harmony")
    assert share(bass, score, 0) >= 0.95 and share(bass, score, 1) <= 0.2
    assert on_all(chords, score, (1, 2)) >= 0.85 and share(chords, score, 0) <= 0.2


@pytest.mark.parametrize("seed", range(4))
def test_drum_and_bass_breaks_at_speed_with_the_snare_on_two_and_four(seed: int) -> None:
    score = played("drum-and-bass", 4, seed)
    snare, kick = onsets(score, "drums", "snare"), onsets(score, "drums", "kick")
    assert 160 <= score.bpm <= 180
    assert share(snare, score, 1) >= 0.85 and share(snare, score, 3) >= 0.7
    assert share(kick, score, 0) >= 0.6 and share(kick, score, 1) <= 0.25
    assert len(np.unique(np.round(kick % 8, 1))) > 3


@pytest.mark.parametrize("seed", range(4))
def test_trap_is_half_time_and_its_hats_roll(seed: int) -> None:
    score = played("trap", 4, seed)
    clap, hats = onsets(score, "drums", "clap"), onsets(score, "drums", "hat")
    assert share(clap, score, 2) >= 0.85 and share(clap, score, 1) <= 0.2
    gaps = np.diff(hats)
    assert 0.05 < np.mean(gaps < 0.19) < 0.7 and np.mean(np.abs(gaps - 0.5) < 0.05) > 0.2
    assert tracks(score, "bass")[0].instrument == "sub bass"


def test_jazz_is_a_trio_that_swings_and_walks() -> None:
    score = played("jazz", 3)
    assert {track.instrument for track in score.tracks} == {"piano", "upright bass", "brushes"}
    assert {track.role for track in score.tracks if track.instrument == "piano"} == {"melody", "harmony"}
    ride = onsets(score, "drums", "ride") % 1
    off = ride[(ride > 0.3) & (ride < 0.9)]
    assert len(off) > 10 and 0.58 < np.mean(off) < 0.7
    assert on_all(onsets(score, "drums", "pedal hat"), score, (1, 3)) >= 0.7
    assert on_all(onsets(score, "bass"), score, (0, 1, 2, 3)) >= 0.8


CLAVES = {(0.0, 1.5, 3.0, 5.0, 6.5), (1.0, 2.5, 4.0, 5.5, 7.0), (0.0, 1.5, 3.0, 5.5, 6.5)}


@pytest.mark.parametrize("seed", range(3))
def test_the_bossa_clave_runs_over_two_bars(seed: int) -> None:
    score = played("bossa-nova", 3, seed)
    rim = onsets(score, "drums", "rim")
    first = tuple(sorted({round(float(time) * 2) / 2 for time in rim if time < 7.8}))
    assert first in CLAVES
    assert share(onsets(score, "bass"), score, 0) >= 0.9


def test_lo_fi_lies_back_under_the_crackle() -> None:
    score = played("lo-fi", 3, 1)
    snare = onsets(score, "drums", "snare", "rim")
    on_beat = snare[np.abs(snare % 2 - 1) < 0.1] % 2 - 1
    assert np.mean(on_beat) * 60 / score.bpm > 0.008
    assert score.desk.noise == "vinyl" and score.bpm <= 95


def test_metal_gallops_below_fifths_with_two_feet() -> None:
    score = played("metal", 5, state="boss")
    assert len(onsets(score, "drums", "kick")) / score.bars >= 7
    muted = next(track for track in score.tracks if track.instrument == "muted guitar")
    gaps = np.diff(np.unique(np.round(muted.notes.onset * 4) / 4))
    assert np.mean(gaps < 0.3) > 0.3
    guitar = tracks(score, "harmony")[0]
    assert all(chord.symbol.endswith("5") or len(chord.pitch_classes) <= 4 for chord in score.chords)
    assert guitar.instrument == "distorted guitar" and guitar.notes.pitch.min() < 55


def test_metal_at_peace_is_clean_and_half_as_fast() -> None:
    score = played("metal", 2, state="exploration")
    assert not {"distorted guitar", "muted guitar"} & {track.instrument for track in score.tracks}
    assert {"electric guitar", "rock drums"} <= {track.instrument for track in score.tracks}
    assert len(onsets(score, "drums", "kick")) / score.bars <= 3
    backbeat = onsets(score, "drums", "snare", "rim")
    assert share(backbeat, score, 2) >= 0.5 and share(backbeat, score, 1) < 0.3
    loud = {track.instrument for track in played("metal", 3).tracks}
    assert {"distorted guitar", "muted guitar"} <= loud


@pytest.mark.parametrize("name", ["rock", "city-pop", "synthwave"])
def test_the_backbeat_is_on_two_and_four(name: str) -> None:
    score = played(name)
    assert on_all(onsets(score, "drums", "snare"), score, (1, 3)) >= 0.7


def test_city_pop_plays_sixteenths_under_rich_chords() -> None:
    score = played("city-pop")
    bass = onsets(score, "bass") % 0.5
    assert np.mean(np.abs(bass - 0.25) < NEAR) > 0.08
    assert np.mean([len(chord.pitch_classes) for chord in score.chords]) >= 4
    assert {"slap bass", "electric piano"} <= {track.instrument for track in score.tracks}


def test_synthwave_drives_eighths_in_the_bass() -> None:
    score = played("synthwave", 3)
    assert len(onsets(score, "bass")) / score.bars >= 6.5


@pytest.mark.parametrize("name", ["celtic", "medieval"])
def test_old_dances_stand_on_a_drone(name: str) -> None:
    score = played(name, 3, meter="6/8")
    drone = tracks(score, "pads")[0]
    assert set((drone.notes.pitch - 2) % 12) <= {0, 5, 7}
    assert on_all(onsets(score, "percussion"), score, (0, 1.5)) >= 0.7


def test_the_march_has_a_snare_that_rolls_and_a_bass_on_the_beats() -> None:
    score = played("march", 4)
    snare = onsets(score, "drums", "snare")
    assert np.mean(np.diff(snare) < 0.19) > 0.1 and on_all(snare, score, (0, 2)) >= 0.8
    assert on_all(onsets(score, "bass"), score, (0, 2)) >= 0.8
    assert tracks(score, "melody")[0].instrument == "trumpet"


def test_horror_holds_drones_and_hits_where_nobody_expects_it() -> None:
    score = played("horror", 3)
    assert {"dark drone", "tremolo strings"} <= {track.instrument for track in score.tracks}
    hits = onsets(score, "drums")
    bars = {tuple(np.round(hits[(hits >= 4 * bar) & (hits < 4 * bar + 4)] % 4, 1)) for bar in range(score.bars)}
    assert len(bars) >= 3


def test_horror_hunts_in_short_strings_and_its_monsters_stand_in_brass_and_organ() -> None:
    hunt, monster = (played("horror", level, state=state) for state, level in (("combat", 4), ("boss", 5)))
    players = [{track.instrument for track in score.tracks} for score in (hunt, monster)]
    assert "short strings" in players[0] and not {"tremolo strings", "organ", "choir"} & players[0]
    assert {"low brass", "organ", "choir"} <= players[1]
    lengths = [np.median(tracks(score, "harmony")[0].notes.length) for score in (hunt, monster)]
    assert lengths[0] < 0.5 < lengths[1]


def test_ambient_has_no_kit_and_few_notes() -> None:
    score = played("ambient", 2)
    assert not tracks(score, "drums")
    assert sum(len(track.notes.onset) for track in score.tracks) / score.bars < 16


def test_chip_music_is_played_by_chips() -> None:
    score = played("chiptune")
    assert {track.instrument for track in score.tracks} <= {"square lead", "triangle bass", "chip drums", "pluck"}


def test_folk_is_strummed() -> None:
    guitar = next(track for track in played("folk", 3).tracks if track.role == "harmony")
    gaps = np.diff(guitar.notes.onset)
    assert np.mean((gaps > 0.002) & (gaps < 0.08)) > 0.4


# Files that are wrong say where.

WRONG = [
    ("tempo", [300, 10], "tempo"),
    ("bpm", 20, "bpm"),
    ("colour", "blue", "colour"),
    ("usual", ["kazoo"], "usual"),
    ("gentle", ["kazoo"], "gentle"),
    ("swing", 2, "swing"),
    ("fills", ["fireworks"], "fills"),
    ("crash", "gong", "crash"),
    ("melody", "yodel", "melody"),
    ("desk", {"reverb": 3}, "desk"),
    ("desk", {"noise": "rain"}, "desk.noise"),
    ("harmony", {"extension": "triad"}, "harmony"),
    ("roles.drums.patterns.light", "x...", "roles.drums.patterns.light"),
    ("roles.drums.patterns.light.simple", {"kick": "x..x"}, "roles.drums.patterns.light.simple.kick"),
    ("roles.drums.patterns.light.simple", {"kick": "z..............."}, "roles.drums.patterns.light.simple.kick"),
    ("roles.drums.patterns.light.simple", {"gong": "x..............."}, "roles.drums.patterns.light.simple.gong"),
    ("roles.drums.patterns.light.11/8", {"kick": "x"}, "roles.drums.patterns.light"),
    ("roles.drums.patterns.frantic", {}, "roles.drums.patterns"),
    ("roles.drums.late", {"snare": 900}, "roles.drums.late.snare"),
    ("roles.drums.sections", {"chorus": {}}, "roles.drums.sections"),
    ("roles.drums.mix", [0, 0], "roles.drums.mix"),
    ("roles.drums.mix", [0, 3, 0.1], "roles.drums.mix"),
    ("roles.drums.play", ["kazoo"], "roles.drums.play"),
    ("roles.drums.gentle", ["kazoo"], "roles.drums.gentle.play"),
    ("roles.drums.gentle", {"from": 2}, "roles.drums.gentle.from"),
    ("roles.drums.gentle", {"fierce": ["taiko"]}, "roles.drums.gentle"),
    ("roles.drums.sustained", {"patterns": {"light": "x..."}}, "roles.drums.sustained.patterns.light"),
    ("roles.bass.fierce", "picked bass", "roles.bass.fierce"),
    ("roles.bass.style", "shredding", "roles.bass.style"),
    ("roles.bass.patterns", {"light": "x..............."}, "roles.bass.patterns.light"),
    ("roles.bass.patterns", {"light": 1234}, "roles.bass.patterns.light"),
    ("roles.kazoo", {"play": ["piano"]}, "roles"),
    ("roles.melody", ["piano"], "roles.melody"),
]


@pytest.mark.parametrize(
    ("where", "value", "named"), WRONG, ids=[f"{row[0]}-{place}" for place, row in enumerate(WRONG)]
)
def test_a_wrong_file_is_refused_by_name_and_field(where: str, value: object, named: str) -> None:
    data = yaml.safe_load(resources.files("models.composer.genres").joinpath("rock.yaml").read_text("utf-8"))
    *path, last = where.split(".") if "/" not in where else [*where.split(".")[:-1], where.rsplit(".", maxsplit=1)[-1]]
    place = data
    for key in path:
        place = place[key]
    place[last] = value
    with pytest.raises(ValueError, match=r"genres/mine\.yaml") as told:
        read_genre("mine", yaml.safe_dump(data))
    assert named in str(told.value)


@pytest.mark.parametrize(
    "text", ["", "- a list", "just words", "{unclosed", "tempo: [60, 100]\n", "harmony: 3\ntempo: 5\n"]
)
def test_a_file_that_is_no_genre_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"genres/mine\.yaml"):
        read_genre("mine", text)


def test_an_unknown_genre_is_refused_and_no_path_is_followed() -> None:
    for name in ("polka-dot", "../words", "", "rock.yaml"):
        with pytest.raises(ValueError, match="no data file"):
            genre(name)


def test_a_trait_takes_a_role_over_key_by_key() -> None:
    data = yaml.safe_load(resources.files("models.composer.genres").joinpath("rock.yaml").read_text("utf-8"))
    fierce = {"play": ["sub bass"], "from": 0.2}
    data["roles"]["bass"] |= {"gentle": ["bass"], "fierce": fierce, "sustained": {"from": 0.3}}
    bass = read_genre("mine", yaml.safe_dump(data))

    def told(*traits: str) -> tuple[tuple[str, ...], float]:
        chair = bass.chairs(traits).roles["bass"]
        return chair.instruments, chair.enters

    assert told() == (tuple(data["roles"]["bass"]["play"]), 0.0)
    assert told("gentle") == (("bass",), 0.0) and told("fierce") == (("sub bass",), 0.2)
    assert told("sustained", "fierce") == (("sub bass",), 0.3)


def test_planning_and_the_composer_agree_on_the_traits_of_states() -> None:
    for state in presets.STATES:
        traits = character_of(order(state=state)).traits
        if state != "stealth":  # sneaks with the players of fights, but is asked for with the usual ones
            assert presets.TRAITS.get(state, ()) == traits, state


@pytest.mark.parametrize("name", GENRES)
def test_a_fight_has_short_figures_and_a_boss_a_low_layer_in_every_genre(name: str) -> None:
    fight, boss = (played(name, intensity, state=state) for state, intensity in (("combat", 4), ("boss", 5)))
    assert tracks(fight, "ostinato") and not tracks(fight, "pads")
    low = [track.notes.pitch.mean() for track in tracks(boss, "pads")]
    assert low and low[0] < 62


def test_what_a_genre_file_may_name_is_what_there_is() -> None:
    assert set(MANNERS) == set(tunes.MANNERS)
    assert set(NOISES) == {"", *effects.NOISES}
