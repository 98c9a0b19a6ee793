"""A SoundFont in an order: checked when it is read, part of who a take is, its licence among what the order brings."""

from pathlib import Path

import pytest
from test_composer_foreign import general_midi

from models.composer.foreign import digest_of
from models.controls import SoundBank
from services.planning.adhoc import adhoc
from services.planning.faults import BriefError
from services.planning.plan import plan
from services.planning.reader import read_brief
from services.rights.gate import materials_of
from services.rights.materials import Brought, brought_by, restated
from services.rights.policy import Material
from tests.cards import cards_at, token_model, with_composer

CUES = "cues: [{state: combat, prompt: battle, takes: 2, axes: {}}]\n"


def ordered(folder: Path, bank: str, cues: str = CUES) -> Path:
    path = folder / "brief.yaml"
    path.write_text(f"catalog: x\nsound_bank: {bank}\n{cues}")
    return path


@pytest.fixture
def sf2(tmp_path: Path) -> Path:
    path = tmp_path / "others.sf2"
    path.write_bytes(general_midi())
    return path


def test_every_take_names_the_bank_and_its_licence_and_is_another_take(sf2: Path, tmp_path: Path) -> None:
    read = read_brief(ordered(tmp_path, "{file: others.sf2, licence: MIT}"))
    takes = plan(read, cards_at("r")).takes
    assert {take.controls.sound_bank for take in takes} == {SoundBank(digest_of(sf2), "MIT")}
    assert read.sound_bank_file == sf2
    (tmp_path / "brief.yaml").write_text(f"catalog: x\n{CUES}")
    own = plan(read_brief(tmp_path / "brief.yaml"), cards_at("r")).takes
    assert {take.controls.sound_bank for take in own} == {None}
    assert not {take.id for take in own} & {take.id for take in takes}
    assert [take.seed for take in own] == [take.seed for take in takes]


def test_stingers_transitions_and_levels_play_on_it_too(sf2: Path, tmp_path: Path) -> None:
    cues = (
        "cues:\n- {state: combat, prompt: battle, bars: 8, form: loop}\n- {state: calm, prompt: calm, bars: 8}\n"
        "- {name: win, kind: stinger, stinger: victory, from: combat}\n"
        "- {name: over, kind: transition, from: combat, to: calm}\n"
    )
    takes = plan(read_brief(ordered(tmp_path, "{file: others.sf2, licence: MIT}", cues)), cards_at("r")).takes
    assert len(takes) >= 4
    assert all(take.controls.sound_bank is not None for take in takes)


def test_only_generators_that_play_on_a_bank_are_given_it(sf2: Path, tmp_path: Path) -> None:
    model = "acme/tokens"
    cues = f"cues: [{{state: combat, prompt: battle}}, {{state: calm, prompt: wind, generator: {model}}}]\n"
    path, known = ordered(tmp_path, "{file: others.sf2, licence: MIT}", cues), with_composer(token_model(model))
    takes = plan(read_brief(path), known).takes
    assert {take.generator: take.controls.sound_bank is not None for take in takes} == {"composer": True, model: False}
    with pytest.raises(BriefError, match="no generator of this order plays on a sound bank") as caught:
        plan(read_brief(path), known, generator=model)
    assert [(fault.field, fault.line) for fault in caught.value.faults] == [("sound_bank", 2)]


@pytest.mark.parametrize(
    ("bank", "field", "told"),
    [
        ("{file: others.sf2}", "sound_bank", "licence"),
        ("{file: none.sf2, licence: MIT}", "sound_bank.file", "no file"),
        ("{file: ../others.sf2, licence: MIT}", "sound_bank.file", "outside"),
        ("{file: brief.yaml, licence: MIT}", "sound_bank.file", "SoundFont"),
        ("{file: others.sf2, licence: MIT, colour: red}", "sound_bank", "unknown key"),
    ],
)
def test_what_cannot_be_played_is_told_with_its_line(
    bank: str, field: str, told: str, sf2: Path, tmp_path: Path
) -> None:
    with pytest.raises(BriefError) as caught:
        read_brief(ordered(tmp_path, bank))
    assert any(
        fault.field.startswith(field) and told in str(fault) and fault.line == 2 for fault in caught.value.faults
    )


def test_a_sentence_can_be_ordered_on_a_bank(sf2: Path) -> None:
    read = adhoc("calm piano", sound_bank=sf2, bank_licence="CC0-1.0")
    assert read.sound_bank == SoundBank(digest_of(sf2), "CC0-1.0")
    assert str(sf2.parent) not in read.text.decode()
    assert brought_by(read.text).materials == (Material("sound bank", "CC0-1.0", "others.sf2"),)


def test_an_audit_learns_of_the_bank_from_the_order(sf2: Path, tmp_path: Path) -> None:
    read = read_brief(ordered(tmp_path, "{file: others.sf2, licence: MIT, source: a friend}"))
    expected = (Material("sound bank", "MIT", "others.sf2, a friend"),)
    assert materials_of(read.brief) == expected
    assert brought_by(read.text).materials == expected
    assert brought_by(read.text).bank == "others.sf2"


def test_a_later_order_restates_its_own_files_only() -> None:
    first, second = (Brought((Material("sound bank", licence, "a.sf2"),), bank="a.sf2") for licence in ("MIT", "GPL"))
    other = Brought((Material("sound bank", "MIT", "b.sf2"),), bank="b.sf2")
    assert restated(first, second) is second
    assert restated(first, other) is first
    assert restated(Brought(), second) == Brought()
