"""One cue from several generators, and how models that denoise are asked: by the same seeds, each for what it can."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.controls import Controls, Denoising
from models.registry import Card
from services.planning.brief import Brief
from services.planning.faults import BriefError, Fault
from services.planning.plan import Plan, named_generators, plan
from services.planning.reader import read_bytes
from services.planning.schema import json_schema
from tests.cards import denoiser, token_model, with_composer

TOKENS, NOISE = "acme/tokens", "acme/noise"
BRIEF = """\
catalog: x
seed: 3
cues:
  - {state: calm, prompt: "wind, {time}", axes: {time: [day, night]}, takes: 2}
"""


def planned(text: str, *cards: Card, **options: Any) -> Plan:
    known = with_composer(*(cards or (token_model(), denoiser())))
    return plan(read_bytes(text.encode(), Path("b.yaml")), known, **options)


def faults(text: str, **options: Any) -> tuple[Fault, ...]:
    with pytest.raises(BriefError) as caught:
        planned(text, **options)
    return caught.value.faults


def by(generator: str, keys: str = "") -> str:
    return BRIEF.replace("takes: 2", f"takes: 2, generator: {generator}{keys}")


def ids(order: Plan) -> list[str]:
    return [take.id for take in order.takes]


def test_a_list_of_one_is_that_one() -> None:
    expected = ids(planned(BRIEF))
    for text in (by("composer"), by("[composer]"), f"generator: [composer]\n{BRIEF}", f"generator: composer\n{BRIEF}"):
        assert ids(planned(text)) == expected


def test_every_point_is_ordered_from_each_by_the_same_seeds() -> None:
    names = ("composer", NOISE, TOKENS)
    alone = {name: planned(by(name)) for name in names}
    together = planned(by(f"[{', '.join(names)}]"))
    assert set(ids(together)) == {id_ for order in alone.values() for id_ in ids(order)}
    assert len(together.takes) == together.cues[0].count == 12
    for name in names:
        made = [take for take in together.takes if take.generator == name]
        assert [take.seed for take in made] == [take.seed for take in alone["composer"].takes]
    assert [take.generator for take in together.takes[:6]] == [name for name in names for _ in range(2)]
    assert [name for name, _ in together.generators] == list(names)
    assert (together.compared, alone[TOKENS].compared) == ({"calm"}, frozenset())
    assert len(together.cues) == 1
    assert ids(planned(f"generator: [{', '.join(names)}]\n{BRIEF}")) == ids(together)


def test_one_generator_may_take_the_place_of_all() -> None:
    order = planned(by(f"[composer, {TOKENS}]"), generator=TOKENS)
    assert ids(order) == ids(planned(by(TOKENS)))
    assert order.restricted
    assert not planned(by(TOKENS), generator=TOKENS).restricted
    read = read_bytes(by(f"[composer, {TOKENS}]").encode())
    assert named_generators(read.brief) == ("composer", TOKENS)
    assert named_generators(read.brief, None, "other") == ("other",)


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        (by("[composer, compozer]"), "cues[0].generator[1]", "did you mean 'composer'?"),
        (f"generator: [composer, compozer]\n{BRIEF}", "generator[1]", "did you mean 'composer'?"),
        (by("[composer, composer]"), "cues[0].generator", "stands twice"),
        (by("[]"), "cues[0].generator", "name a generator"),
        (by("[composer, 3]"), "cues[0].generator", "name a generator"),
        (by(f"[composer, {TOKENS}]", ", stems: true"), "cues[0].stems", f"leave {TOKENS} out of its `generator`, or"),
        (by("composer", ", steps: 30"), "cues[0].steps", f"write `generator: {NOISE}` for this cue, or drop `steps`"),
        (by(f"[composer, {TOKENS}]", ", steps: 30"), "cues[0].steps", "could be counted, acme/tokens neither"),
        (f"defaults: {{guidance: 3}}\n{by(TOKENS)}", "defaults.guidance", "write it to the cues that can have it"),
        (by("composer", ", negative: hiss"), "cues[0].negative", "cannot be told what to keep away from"),
        (by(NOISE, ", steps: 201"), "cues[0].steps", "takes 1 to 200 steps (value 201); lower it"),
        (by(NOISE, ", steps: 1001"), "cues[0].steps", "less than or equal to 1000"),
        (by(NOISE, ", steps: 2.5"), "cues[0].steps", "write a whole number"),
        (by(NOISE, ", guidance: 25"), "cues[0].guidance", "takes a guidance of 0 to 20 (value 25.0); lower it"),
        (by(NOISE, ", guidance: .nan"), "cues[0].guidance", "write a number"),
        (by(NOISE, ", guidance: 1, negative: hiss"), "cues[0].guidance", "`negative` is not heard"),
        (by(NOISE, ", negative: ' '"), "cues[0].negative", "1 to 2000 characters"),
        (by(NOISE, f", negative: {'a' * 2001}"), "cues[0].negative", "1 to 2000 characters"),
        (f"{BRIEF}  - {{kind: stinger, stinger: victory, from: calm, steps: 3}}\n", "cues[1].steps", "in notes"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_one_fault_with_a_way_out(text: str, field: str, told: str) -> None:
    (fault,) = [fault for fault in faults(text) if fault.field == field]
    assert fault.line is not None
    assert told in str(fault)


def test_how_a_take_is_drawn_is_part_of_it_and_told() -> None:
    plain = planned(by(NOISE))
    assert all("denoising" not in take.as_json()["controls"] for take in plain.takes)
    order = planned("defaults: {steps: 30}\n" + by(NOISE, ", guidance: 4, negative: ' hiss,  hum'"))
    controls = order.takes[0].controls
    assert controls.denoising == Denoising(30, 4.0, "hiss, hum")
    assert Controls.from_json(json.loads(json.dumps(controls.as_json()))) == controls
    assert not set(ids(order)) & set(ids(plain))
    told = {choice.field: (choice.value, choice.source) for choice in order.understandings[0].understanding.choices}
    assert [told[name] for name in ("steps", "guidance", "negative")] == [
        ("30", "defaults"), ("4", "cue"), ("hiss, hum", "cue"),
    ]  # fmt: skip


def test_of_several_those_that_cannot_pass_over_how_a_take_is_drawn() -> None:
    order = planned(by(f"[composer, {NOISE}]", ", steps: 30, negative: hiss"))
    assert [w for w in order.warnings if "passes over" in w] == ["calm: composer passes over `steps`, `negative`"]
    made = {take.generator: take.controls.denoising for take in order.takes}
    assert made == {"composer": None, NOISE: Denoising(30, None, "hiss")}
    assert set(ids(planned(BRIEF))) < set(ids(order))


def test_a_negative_prompt_is_asked_only_of_models_with_guidance() -> None:
    from dataclasses import replace

    card = denoiser()
    card = replace(card, abilities=replace(card.abilities, usual_guidance=1.0))
    with pytest.raises(BriefError) as caught:
        planned(by(NOISE, ", negative: hiss"), card)
    (fault,) = caught.value.faults
    assert fault.field == "cues[0].negative" and "heeds no `negative` at its usual guidance of 1" in str(fault)
    assert "write `guidance: 4`" in str(fault)
    assert planned(by(NOISE, ", guidance: 4, negative: hiss"), card).takes[0].controls.denoising is not None


def test_a_negative_prompt_that_the_model_cannot_read_whole_is_told(tmp_path: Path) -> None:
    from tests.checkpoints import save_tokenizer

    save_tokenizer(tmp_path)
    card = denoiser(folder=tmp_path)
    assert planned(by(NOISE, ", negative: hiss"), card).takes
    with pytest.raises(BriefError) as caught:
        planned(by(NOISE, f", negative: '{'hiss and hum ' * 100}'"), card)
    (fault,) = caught.value.faults
    assert fault.field == "cues[0].negative"
    assert "takes in" in fault.what


def test_the_published_schema_takes_one_generator_or_a_list() -> None:
    told = json_schema()["properties"]["generator"]["anyOf"]
    assert [one["type"] for one in told] == ["string", "array"]
    assert Brief.model_validate({"catalog": "x", "cues": [{"state": "a", "prompt": "p"}]}).generator == ["composer"]
