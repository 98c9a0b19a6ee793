"""Adaptive material in briefs: levels of one piece, stingers over a cue, transitions between two, as takes like any
other; and what cannot be ordered."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.controls import Controls, Destination
from models.words import STINGERS
from services.planning import timing
from services.planning.faults import BriefError, Fault
from services.planning.order import PlannedTake
from services.planning.plan import Plan, plan
from services.planning.reader import read_bytes
from tests.cards import cards_at

MUSIC = """\
  - {state: exploration, prompt: "calm {time}", axes: {time: [dawn, night]}, bpm: 90, key: D dorian, bars: 8}
  - {state: combat, prompt: fight, bpm: 135, key: D minor, bars: 8, loop: true, instruments: [brass, taiko]}
"""


def planned(cues: str, more: str = "", **options: object) -> Plan:
    return plan(read_bytes(f"catalog: x\n{more}cues:\n{cues}".encode(), Path("b.yaml")), cards_at("r"), **options)


def of_cue(result: Plan, cue: str) -> list[PlannedTake]:
    return [take for take in result.takes if take.cue == cue]


def faults(cues: str, more: str = "") -> tuple[Fault, ...]:
    with pytest.raises(BriefError) as caught:
        planned(cues, more)
    return caught.value.faults


LEVELS = "  - {state: combat, prompt: fight, bars: 8, takes: 2, intensity: 3, intensities: [1, 2, 3, 4, 5]}\n"


def test_every_index_has_a_take_per_level_from_one_seed() -> None:
    takes = planned(LEVELS).takes
    order = [(take.point["intensity"], take.index) for take in takes]
    assert order == [(level, at) for level in "12345" for at in (0, 1)]
    assert len({take.seed for take in takes}) == 2
    assert len({take.id for take in takes}) == 10
    assert {take.seed for take in takes if take.index == 0} != {take.seed for take in takes if take.index == 1}


def test_levels_are_composed_at_the_intensity_of_the_cue() -> None:
    made = [take.controls for take in planned(LEVELS).takes if take.index == 0]
    assert [each.intensity for each in made] == [1, 2, 3, 4, 5]
    assert {each.reference for each in made} == {3}
    assert len({(each.bars, each.bpm, each.key, each.theme, each.form, each.instruments) for each in made}) == 1


def test_levels_have_the_seeds_of_the_cue_without_them() -> None:
    plain = planned(LEVELS.replace("intensities: [1, 2, 3, 4, 5]", "loop: false")).takes
    assert {take.seed for take in plain} == {take.seed for take in planned(LEVELS).takes}


def test_another_level_changes_no_other_take() -> None:
    fewer = planned(LEVELS.replace("[1, 2, 3, 4, 5]", "[2, 4]")).takes
    assert {take.id for take in fewer} < {take.id for take in planned(LEVELS).takes}


def test_the_highest_level_is_as_loud_as_ordered_and_every_lower_one_softer() -> None:
    takes = planned(LEVELS, "defaults: {loudness: -20}\n").takes
    assert [take.delivery.loudness for take in takes if take.index == 0] == [-28, -26, -24, -22, -20]


def test_levels_may_be_ordered_by_default_and_do_not_reach_stingers() -> None:
    stinger = "  - {kind: stinger, from: combat, stinger: danger}\n"
    result = planned(MUSIC + stinger, "defaults: {intensities: [1, 5]}\n")
    assert {take.point.get("intensity") for take in of_cue(result, "combat")} == {"1", "5"}
    assert [take.point for take in of_cue(result, "stinger")] == [{"from": "combat", "stinger": "danger"}]


def test_a_stinger_takes_theme_key_tempo_meter_and_players_from_its_cue() -> None:
    result = planned(MUSIC + f"  - {{kind: stinger, from: combat, stinger: [{', '.join(STINGERS)}], bars: 3}}\n")
    over = of_cue(result, "combat")[0].controls
    stingers = [take.controls for take in of_cue(result, "stinger")]
    assert [each.stinger for each in stingers] == list(STINGERS)
    for each in stingers:
        assert (each.theme, each.key, each.bpm, each.meter, each.genre) == (
            over.theme, over.key, over.bpm, over.meter, over.genre)
        assert each.instruments == over.instruments
        assert not each.loop
        assert each.duration == pytest.approx(3 * 4 * 60 / 135 + timing.TAIL_SECONDS)
    assert len({each.mood for each in stingers}) > 1


def test_a_stinger_s_own_keys_win() -> None:
    own_keys = "bpm: 90, mood: happy, key: D major"
    result = planned(MUSIC + f"  - {{kind: stinger, from: combat, stinger: victory, {own_keys}}}\n")
    own = of_cue(result, "stinger")[0].controls
    assert (own.bpm, own.mood, own.key) == (90, "happy", "D major")


def test_what_a_stinger_took_from_its_cue_is_told_so() -> None:
    result = planned(MUSIC + "  - {kind: stinger, from: combat, stinger: victory, mood: happy}\n")
    (told,) = [each.understanding for each in result.understandings if each.cue == "stinger"]
    sources = {choice.field: (choice.source, choice.words) for choice in told.choices}
    assert sources["bpm"] == ("relation", "combat")
    assert sources["mood"] == ("cue", "")
    assert sources["bars"] == ("state", "victory stinger")


def test_a_transition_leaves_one_cue_and_leads_to_the_other() -> None:
    result = planned(MUSIC + "  - {kind: transition, from: exploration, to: combat, bars: 4}\n")
    (take,) = of_cue(result, "transition")
    leaves = of_cue(result, "exploration")[0].controls
    made = take.controls
    assert take.point == {"from": "exploration", "to": "combat"}
    assert (made.state, made.bpm, made.key, made.meter, made.theme) == (
        "exploration", 90, "D dorian", "4/4", leaves.theme)
    assert made.destination == Destination("combat", "D minor", 135, of_cue(result, "combat")[0].controls.intensity)
    assert (made.bars, made.loop) == (4, False)
    assert made.duration == pytest.approx(4 * 4 * 60 / 90 + timing.TAIL_SECONDS)
    assert Controls.from_json(made.as_json()) == made


def test_transitions_are_made_for_every_pair_asked_in_every_zone_of_both() -> None:
    cues = MUSIC + "  - {state: town, prompt: p, zones: [one]}\n"
    cues += "  - {kind: transition, from: [exploration, combat], to: [combat, exploration], name: fights}\n"
    cues += "  - {kind: transition, from: exploration, to: town, name: home}\n"
    result = planned(cues, "zones: [{name: one, bpm: 90}, {name: two}]\n")
    assert {(take.zone, take.point["from"], take.point["to"]) for take in of_cue(result, "fights")} == {
        (zone, *pair) for zone in ("one", "two") for pair in (("exploration", "combat"), ("combat", "exploration"))
    }
    assert [take.zone for take in of_cue(result, "home")] == ["one"]


def test_a_transition_follows_the_axes_of_the_cue_that_it_leaves() -> None:
    cue = '  - {kind: transition, from: exploration, to: combat, prompt: "{time}", axes: {time: [night, dawn]}}\n'
    text = MUSIC.replace("bpm: 90, key: D dorian", "bpm: 90").replace("[dawn, night]", '[in E minor, in A minor]')
    cue = cue.replace("[night, dawn]", "[in A minor, in E minor]")
    assert [take.controls.key for take in of_cue(planned(text + cue), "transition")] == ["A minor", "E minor"]


def test_short_material_takes_only_its_delivery_from_defaults() -> None:
    more = "defaults: {bars: 64, loop: true, form: loop, bpm: 200, formats: [wav], loudness: -18, takes: 3}\n"
    takes = of_cue(planned(MUSIC + "  - {kind: transition, from: exploration, to: combat}\n", more), "transition")
    assert len(takes) == 3
    assert {(take.controls.bars, take.controls.bpm, take.controls.loop) for take in takes} == {(2, 90, False)}
    assert {(take.delivery.formats, take.delivery.loudness) for take in takes} == {(("wav",), -18)}


def test_more_levels_and_pairs_than_the_ceiling_are_refused() -> None:
    with pytest.raises(BriefError, match="10 takes are more than the ceiling of 9"):
        planned(LEVELS, ceiling=9)


@pytest.mark.parametrize(
    ("cue", "field", "what"),
    [
        ("{state: a, prompt: p, intensities: [0, 1]}", "intensities", "0 is no intensity"),
        ("{state: a, prompt: p, intensities: [1, 6]}", "intensities", "6 is no intensity"),
        ("{state: a, prompt: p, intensities: [1, true]}", "intensities", "True is no intensity"),
        ("{state: a, prompt: p, intensities: [2, 2]}", "intensities", "2 stands twice"),
        ("{state: a, prompt: p, intensities: []}", "intensities", "list of levels"),
        ("{state: a, prompt: p, intensities: 3}", "intensities", "list of levels"),
        ("{state: a, prompt: 'p {intensity}', axes: {intensity: [low, high]}}", "axes.intensity", "reserved"),
        ("{state: a, prompt: 'p {to}', axes: {to: [low, high]}}", "axes.to", "reserved"),
        ("{kind: stinger, from: combat, stinger: victory, loop: true}", "loop", "a stinger ends, so it cannot loop"),
        ("{kind: stinger, from: combat, stinger: victory, form: loop}", "form", "a stinger ends, so it cannot loop"),
        ("{kind: stinger, from: combat, stinger: victory, form: A-B}", "form", "has no `form`"),
        ("{kind: stinger, from: combat, stinger: glory}", "stinger", "unknown stinger"),
        ("{kind: stinger, from: combat, stinger: [danger, danger]}", "stinger", "stands twice"),
        ("{kind: stinger, from: combat}", "", "a stinger needs `stinger`"),
        ("{kind: stinger, stinger: danger}", "", "a stinger needs `from`"),
        ("{kind: stinger, from: combat, stinger: danger, bars: 5}", "bars", "at most 4 bars"),
        ("{kind: stinger, from: combat, stinger: danger, duration: 5}", "duration", "given in bars"),
        ("{kind: stinger, from: combat, stinger: danger, intensities: [1]}", "intensities", "has no `intensities`"),
        ("{kind: stinger, from: combats, stinger: danger}", "from", "names an unknown cue"),
        ("{kind: transition, from: combat, to: combat}", "to", "from a cue to itself"),
        ("{kind: transition, from: combat, to: peace}", "to", "names an unknown cue"),
        ("{kind: transition, from: combat}", "", "a transition needs `to`"),
        ("{kind: transition, from: combat, to: exploration, bpm: 90}", "bpm", "takes that from the cue"),
        ("{kind: transition, from: combat, to: exploration, loop: true}", "loop", "cannot loop"),
        ("{kind: transition, from: combat, to: transition}", "to", "is no music itself"),
        ("{kind: fanfare, from: combat}", "kind", "unknown kind"),
        ("{state: a, prompt: p, from: combat}", "from", "belongs to a stinger or transition"),
        ("{state: a, prompt: p, stinger: danger}", "stinger", "belongs to a stinger"),
        ("{kind: transition, from: combat, to: exploration, prompt: 'p {too}'}", "prompt", "has no axis"),
        ("{kind: transition, from: combat, to: exploration, zones: [one]}", "zones", "unknown zone"),
        ("{kind: transition, from: 7, to: exploration}", "from", "name a cue"),
    ],
)
def test_adaptive_orders_that_cannot_be_are_refused_with_line_and_remedy(cue: str, field: str, what: str) -> None:
    found = faults(f"{MUSIC}  - {cue}\n")
    path = ".".join(filter(None, ("cues[2]", field)))
    told = [fault for fault in found if fault.field == path and what in fault.what]
    assert told, found
    assert all(fault.line == 5 and fault.remedy for fault in told)


def test_all_faults_of_adaptive_orders_are_told_at_once() -> None:
    cues = MUSIC + "  - {kind: transition, from: combat, to: combat, bars: 9, loop: true}\n"
    cues += "  - {kind: stinger, from: nobody, stinger: glory}\n"
    assert len(faults(cues)) == 5


def test_defaults_and_relations_are_for_music() -> None:
    found = faults(MUSIC + "  - {kind: stinger, from: combat, stinger: danger}\n",
                   "defaults: {kind: stinger}\nrelations: {stinger: {of: combat, share: [key]}}\n")
    assert [(fault.line, fault.field) for fault in found] == [(2, "defaults.kind"), (3, "relations.stinger")]


def test_a_transition_needs_a_zone_where_both_cues_are_made() -> None:
    zones = "zones: [{name: one}, {name: two}]\n"
    cues = "  - {state: a, prompt: p, zones: [one]}\n  - {state: b, prompt: p, zones: [two]}\n"
    assert "no zone has all the cues" in faults(cues + "  - {kind: transition, from: a, to: b}\n", zones)[0].what
    found = faults(cues + "  - {kind: stinger, from: a, stinger: danger, zones: [one, two]}\n", zones)
    assert "'a' is not made in all of these zones" in found[0].what


def test_states_of_a_zone_that_cannot_be_crossfaded_are_warned_of() -> None:
    cues = "  - {state: a, prompt: p, bpm: 90, key: C major}\n  - {state: b, prompt: p, bpm: 101, key: F# minor}\n"
    warnings = planned(cues, "zones: [{name: one}]\n").warnings
    assert any("zone one: b at 101 bpm and a at 90 bpm stand in no simple ratio" in warning for warning in warnings)
    assert any("zone one: b in F# minor and a in C major are in no related keys" in warning for warning in warnings)
    assert not any("zone" in warning for warning in planned(cues).warnings)


def test_states_of_a_zone_whose_meters_hardly_meet_are_warned_of() -> None:
    def told(meter: str) -> bool:
        cues = f"  - {{state: a, prompt: p, bpm: 90}}\n  - {{state: b, prompt: p, bpm: 90, meter: {meter}}}\n"
        what = f"zone one: bar lines of b in {meter} and a in 4/4 hardly ever meet"
        return any(what in warning for warning in planned(cues, "zones: [{name: one}]\n").warnings)

    assert told("7/8")
    assert not any(told(meter) for meter in ("2/4", "3/4", "4/4", "5/4", "6/8", "12/8"))


_ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 6), st.just(""), st.just([]), st.just({}), st.sampled_from(STINGERS),
    st.sampled_from(["a", "b", "s", "stinger", "transition", "music", "all", "none", "loop"]),
    st.lists(st.one_of(st.sampled_from(["a", "b", "s", "danger"]), st.integers(0, 6), st.just({})), max_size=3),
)
_KEYS = ("kind", "stinger", "from", "to", "intensities", "bars", "loop", "form", "zones", "name", "axes", "state")


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from(_KEYS), _ANY, max_size=6), st.dictionaries(st.sampled_from(_KEYS), _ANY, max_size=2)
)
def test_whatever_stands_in_an_adaptive_order_is_planned_or_refused(cue: dict, defaults: dict) -> None:
    cues = [{"state": "a", "prompt": "p", "bars": 4}, {"state": "b", "prompt": "p", "bars": 4}, cue]
    data = {"catalog": "x", "defaults": defaults, "cues": cues}
    try:
        result = plan(read_bytes(json.dumps(data).encode(), Path("b.yaml")), cards_at("r"))
    except BriefError as error:
        assert all(fault.file == "b.yaml" and fault.line and fault.remedy for fault in error.faults)
        return
    assert len({take.id for take in result.takes}) == len(result.takes) >= 3
    for take in result.takes:
        assert Controls.from_json(json.loads(json.dumps(take.controls.as_json()))) == take.controls
