"""A change of what is composed is never an accident.

When a digest differs and the change is meant, raise `models.composer.revision.SOUND_REVISION` and write down the new
digests (the failure prints them): takes that were made before then say which revision reproduces them.
"""

import pytest
from composer_orders import digest, order

from models.composer.choose import choose
from models.composer.compose import compose
from models.composer.revision import SOUND_REVISION
from models.controls import Theme

REVISION_OF_THESE = 3
ORDERS = {
    "exploration": order(theme=Theme(2026, 4)),
    "boss": order(state="boss", intensity=5, bpm=168.0, form="intro-A-B-A-outro", bars=24, mood="relentless"),
    "jazz": order(state="music", genre="jazz", key="Bb major", bpm=132.0, instruments=("piano",), mood="upbeat"),
    "folk in six": order(state="town", genre="folk", key="G mixolydian", meter="6/8", theme=Theme(5, 2)),
    "chiptune in seven": order(state="combat", genre="chiptune", key="A harmonic minor", meter="7/8", intensity=4),
    "trap": order(state="music", genre="trap", key="C# minor", bpm=140.0),
    "horror": order(state="boss", genre="horror", key="C octatonic", bpm=96.0, intensity=5),
    "a level": order(reference=3, intensity=1),
    "a stinger": order(stinger="victory", bars=2, loop=False, form="A", duration=8.0),
    "a zone's theme": order(theme=Theme(2026, 4, variant=7)),
}
GOLDEN = {
    "exploration": "350510a33819bb5245665499644d04f1d32556594e1d28cea62e65e20d60eabd",
    "boss": "bc97dd7b90669c26fbf44bb210663b08dadec40c86967b792db385451438f7dc",
    "jazz": "4eb533f04cfa30917721eda8b0570ee0b3eb7e002f1914fda282d6555255bc81",
    "folk in six": "6b8aca9ae711d0061f3a17138d017dd968869d0d2b1db0cd0c43722a9c376562",
    "chiptune in seven": "e4e16318787c1d357f6ac14e3f8b6333ed180beb07ef6975bff71e04529a0ea7",
    "trap": "7dc82f564d9584db6a3c58cc72ae1a9a3e4cf373b36ddb0e0eb2555fae0aac6a",
    "horror": "43a85f125e80150b1644944b01ddefadb15e35d7a3be4858fec3c1f1dc0060da",
    "a level": "e69539826d6e9c15a776b125c31b77dff29affdd85fbd19e2a4d72e5d6120363",
    "a stinger": "ce6d60b2e2e999224824ae14857239fdcc04e9bc909855486b272b37ddd37d5a",
    "a zone's theme": "3306cb088e8a42a74623517fe9a6e9b334e731bb69b3995376058dd467e814a3",
}
CHOSEN = "bdf1abb1c1d913e5534831a31557b78c12fd46a54f0af68dba9bc4c3b711fab8"


@pytest.mark.parametrize("name", ORDERS)
def test_the_composed_notes_are_those_of_this_revision(name: str) -> None:
    assert digest(compose(ORDERS[name], 42)) == GOLDEN[name], "meant? then raise SOUND_REVISION and renew GOLDEN"


def test_the_chosen_score_is_that_of_this_revision() -> None:
    chosen = choose(ORDERS["exploration"], 42, 1)
    assert digest(chosen) == CHOSEN, "meant? then raise SOUND_REVISION and renew CHOSEN"


def test_the_digests_are_of_the_stated_revision() -> None:
    assert SOUND_REVISION == REVISION_OF_THESE
