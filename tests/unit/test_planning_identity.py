"""Ids and seeds: pinned, canonical, and untouched by whatever else a brief orders."""

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planning.identity import draw_seed, take_id, take_seed, theme_seed
from services.planning.order import PlannedTake
from services.planning.plan import plan
from services.planning.reader import read_bytes
from tests.cards import cards_at

BRIEF = """\
catalog: golden
seed: 11
zones: [{name: wood, key: D minor}]
relations: {boss: {of: combat, share: [theme, key, tempo-grid]}}
defaults: {genre: orchestral, mood: epic, meter: 4/4, instruments: [brass], intensity: 4, form: loop}
cues:
  - {state: combat, prompt: "{foe} fight", axes: {foe: [wolf, bär]}, bpm: 144, bars: 8, loop: true, takes: 2}
  - {state: boss, prompt: "choir", bpm: 144, bars: 8, loop: true}
"""
GOLDEN_SEED = 4464210510369571  # int(sha256(b'["take","golden",11,null,"combat",{}]').hexdigest(), 16) >> 203
GOLDEN_CATALOG_THEME = 5446388057693555
GOLDEN_THEME = 1775525637299642
GOLDEN_OWN_THEME = 4258760914011621
GOLDEN_IDS = [
    ("combat", 0, "9feff72d8e89879606cf781b43450e392beca898f987b6acf7b863133105078d"),
    ("combat", 1, "f527dd5900ba4133f0cc733ab7c26ec462d581cbde38d4e898ccc040cdac6d71"),
    ("combat", 0, "0d4cb00de48851ed8a36dc7c0563e7c08569d30a21410be2834cde28bba7e2ac"),
    ("combat", 1, "35c3758d25d5b928c65017e9808651384893b936f43dbb33c8e81b221f914707"),
    ("boss", 0, "42a4742a3ce71795ff8897743547d662434bf9687a5eb17b710ff3d222aa2902"),
]
FIELDS = ("catalog", "zone", "cue", "point", "index", "prompt", "controls", "delivery", "seed", "generator", "revision")


def takes(text: str = BRIEF, **options: object) -> tuple[PlannedTake, ...]:
    return plan(read_bytes(text.encode()), cards_at("rev-1"), **options).takes


def ids(text: str) -> set[tuple[str, int]]:
    return {(take.id, take.seed) for take in takes(text)}


def test_golden_seeds() -> None:
    assert draw_seed("take", "golden", 11, None, "combat", {}) == GOLDEN_SEED
    assert theme_seed("golden", 11) == GOLDEN_CATALOG_THEME
    assert theme_seed("golden", 11, "wood") == GOLDEN_THEME
    assert theme_seed("golden", 11, "wood", "boss") == GOLDEN_OWN_THEME


def test_golden_ids() -> None:
    """A changed id means that every catalog would be made anew: change the order's fields knowingly or not at all."""
    assert [(take.cue, take.index, take.id) for take in takes()] == GOLDEN_IDS


def test_ids_and_seeds_follow_the_documented_rule() -> None:
    for take in takes():
        order = {name: take.as_json()[name] for name in FIELDS}
        assert take.id == take_id(order)
        assert take.seed == take_seed(
            "golden", 11, zone="wood", cue=take.cue, point=take.point, index=take.index
        )
        assert rfc8785.dumps(order)


def test_planning_twice_gives_the_same_takes() -> None:
    assert takes() == takes()


def test_ids_differ_within_a_brief() -> None:
    planned = takes(takes=50)
    assert len({take.id for take in planned}) == len({take.seed for take in planned}) == len(planned) == 150


def test_more_takes_cues_zones_and_axis_values_change_no_other_take() -> None:
    before = ids(BRIEF)
    for old, new in (
        ("takes: 2", "takes: 5"),
        ("[wolf, bär]", "[wolf, bär, thief]"),
        ("key: D minor}]", "key: D minor}, {name: coast}]"),
        ("cues:\n", "cues:\n  - {state: town, prompt: lute}\n"),
        ("catalog: golden\n", "catalog: golden\ntitle: another\nuse: trailer\n"),
    ):
        assert old in BRIEF
        assert before <= ids(BRIEF.replace(old, new)), new


def test_a_changed_order_changes_the_ids_of_its_takes_alone() -> None:
    before = {take.id: take.cue for take in takes()}
    for old, new in (
        ('prompt: "choir"', 'prompt: "organ"'), ('prompt: "choir"', 'prompt: "choir", loudness: -18'),
        ('prompt: "choir"', 'prompt: "choir", stems: true'), ('prompt: "choir"', 'prompt: "choir", formats: [wav]'),
    ):
        after = {take.id for take in takes(BRIEF.replace(old, new))}
        assert {before[gone] for gone in set(before) - after} == {"boss"}


def test_another_catalog_seed_or_revision_changes_every_id() -> None:
    before = {take.id for take in takes()}
    for text in (BRIEF.replace("golden", "other"), BRIEF.replace("seed: 11", "seed: 12")):
        assert not before & {take.id for take in takes(text)}
    other = plan(read_bytes(BRIEF.encode()), cards_at("rev-2")).takes
    assert not before & {take.id for take in other}
    assert [take.seed for take in other] == [take.seed for take in takes()]


_SLUG = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_SLUG, min_size=1, max_size=4, unique=True),
    st.lists(st.text("abé {}'\"", min_size=1, max_size=5), unique=True, min_size=1, max_size=3),
    st.integers(1, 4),
    st.integers(0, 2**53 - 1),
    st.data(),
)
def test_a_part_of_an_order_keeps_the_identities_of_the_whole(
    states: list[str], values: list[str], count: int, seed: int, data: st.DataObject
) -> None:
    import yaml

    def order(chosen: list[str], words: list[str], number: int) -> set[tuple[str, int]]:
        cues = [{"state": state, "prompt": "p {x}", "axes": {"x": words}, "takes": number} for state in chosen]
        text = yaml.safe_dump({"catalog": "c", "seed": seed, "cues": cues}, allow_unicode=True)
        return ids(text)

    some_states = data.draw(st.lists(st.sampled_from(states), min_size=1, unique=True))
    some_values = data.draw(st.lists(st.sampled_from(values), min_size=1, unique=True))
    fewer = data.draw(st.integers(1, count))
    assert order(some_states, some_values, fewer) <= order(states, values, count)


@given(st.integers(0, 2**53 - 1), st.text(max_size=5), st.integers(0, 10**6))
def test_seeds_have_53_bits(seed: int, zone: str, index: int) -> None:
    assert 0 <= take_seed("c", seed, zone=zone, cue="q", point={"a": zone}, index=index) < 2**53
