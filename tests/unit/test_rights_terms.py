"""Under whose terms a take's sound stands: what counts, what does not, and that nothing is guessed."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.rights.facts import Fact
from services.rights.materials import ROLES
from services.rights.policy import Material
from services.rights.register import Register
from services.rights.terms import NOBODYS, NOT_KNOWN, joined, sound_licence
from tests.rights_facts import DAY, NOW, fact, seeded

THEME = Material("theme file", "CC-BY-4.0", "a hymn")
IMPORT = Material(ROLES["import"], "CC0-1.0", "https://example.org")


def told(facts: list[Fact] | Register, generator: str = "acme/model", *materials: Material, **more: str) -> str:
    register = facts if isinstance(facts, Register) else Register(replace(one, recorded_at=NOW) for one in facts)
    return sound_licence(register, generator, "r1", DAY, NOW, materials, **more)


def stated(expression: str, component: str = "weights", **more: Any) -> Fact:
    return fact(component=component, answer="licence", expression=expression, **more)


def test_the_composer_plays_nothing_of_others_though_its_code_has_a_licence() -> None:
    assert told(seeded(), "composer") == NOBODYS


def test_a_theme_file_brings_its_licence_with_it() -> None:
    assert told(seeded(), "composer", THEME) == "CC-BY-4.0"
    assert told(seeded(), "composer", replace(THEME, expression=" ")) == NOT_KNOWN


def test_weights_and_codec_count_and_code_does_not() -> None:
    parts = [stated("MIT", "code"), stated("CC-BY-NC-4.0"), stated("CC-BY-4.0 OR CC0-1.0", "codec")]
    assert told(parts) == "(CC-BY-4.0 OR CC0-1.0) AND CC-BY-NC-4.0"
    assert told(seeded(), "facebook/musicgen-small") == "CC-BY-NC-4.0"


def test_what_is_not_on_record_is_not_known() -> None:
    assert told([]) == told([], "acme/model", THEME) == told([stated("MIT", "code")]) == NOT_KNOWN
    assert told([stated("MIT"), fact(component="codec", answer="unknown")]) == NOT_KNOWN


def test_what_somebody_else_allows_is_not_nobodys() -> None:
    assert told([fact(answer="allowed", grade="read")]) == NOT_KNOWN


def test_an_import_stands_under_the_licence_it_came_with_and_under_its_makers_terms() -> None:
    assert told(seeded(), "elsewhere", IMPORT) == "CC0-1.0"
    assert told(seeded(), "suno", IMPORT, plan="free").startswith("CC0-1.0 AND LicenseRef-Suno-Terms")
    assert told(seeded(), "elsewhere", replace(IMPORT, expression="")) == NOT_KNOWN


def test_the_closest_fact_of_the_day_and_the_use_counts() -> None:
    wide, mine = stated("CC-BY-NC-4.0"), stated("MIT", use="commercial-game")
    assert told([wide, mine]) == "CC-BY-NC-4.0"
    assert told([wide, mine], use="commercial-game") == "MIT"
    assert told([replace(wide, valid_to=date(2020, 1, 1)), mine]) == NOT_KNOWN
    assert told([replace(wide, revision="r2")]) == NOT_KNOWN


@pytest.mark.parametrize(("parts", "whole"), [((), ""), (("MIT", "MIT"), "MIT"), (("A or B", "C"), "(A or B) AND C")])
def test_expressions_are_joined_once_each(parts: tuple[str, ...], whole: str) -> None:
    assert joined(parts) == whole
