"""A change of what is composed is never an accident.

When a digest differs and the change is meant, raise `models.composer.revision.SOUND_REVISION` and write down the new
digests (the failure prints them): takes that were made before then say which revision reproduces them.
"""

import pytest
from composer_orders import digest, order

from models.composer.compose import compose
from models.composer.revision import SOUND_REVISION
from models.controls import Theme

REVISION_OF_THESE = 1
ORDERS = {
    "exploration": order(theme=Theme(2026, 4)),
    "boss": order(state="boss", intensity=5, bpm=168.0, form="intro-A-B-A-outro", bars=24, mood="relentless"),
    "jazz": order(state="music", genre="jazz", key="Bb major", bpm=132.0, instruments=("piano",), mood="upbeat"),
    "folk in six": order(state="town", genre="folk", key="G mixolydian", meter="6/8", theme=Theme(5, 2)),
    "chiptune in seven": order(state="combat", genre="chiptune", key="A harmonic minor", meter="7/8", intensity=4),
}
GOLDEN = {
    "exploration": "e4b69e2633d5faab6092ae5c220262501d083cb51e747018af556ef51caf14a5",
    "boss": "909afdefddb8243a983c9e7cd5f6d802227d9fad187a869ce4096e8a782adc13",
    "jazz": "e17f623b6188ef5f6857ce8f834a00086cb583f03133e70d6af665eff967eef3",
    "folk in six": "c41b30adb54178ce6180292a0553bcea56d908e4752ca6e9523738f2f3cd5d59",
    "chiptune in seven": "35c36a347ce32232866ef4eb7ad240136d1b023c920d0fce13c29d66bac31b06",
}


@pytest.mark.parametrize("name", ORDERS)
def test_the_composed_notes_are_those_of_this_revision(name: str) -> None:
    assert digest(compose(ORDERS[name], 42)) == GOLDEN[name], "meant? then raise SOUND_REVISION and renew GOLDEN"


def test_the_digests_are_of_the_stated_revision() -> None:
    assert SOUND_REVISION == REVISION_OF_THESE
