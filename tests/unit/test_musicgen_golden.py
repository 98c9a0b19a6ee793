"""What a token model's sound is made by beside its weights, held to digests: a change is another sound revision.

A take's id holds the revision, so takes whose sound would change without one would pass for what they are not. When a
digest differs and the change is meant, raise `models.musicgen.revision.SOUND_REVISION` and write down the new ones.
"""

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np

from models.controls import Controls, Theme
from models.generator import Place, Resources
from models.musicgen import ending, melody, windows
from models.musicgen.prompting import Shaper
from models.musicgen.revision import SOUND_REVISION
from models.musicgen.room import settings_for
from models.musicgen.streams import uniforms

REVISION_OF_THESE = 1
MEANT = "meant? then raise SOUND_REVISION and renew the digest"
CONTROLS = Controls(
    state="boss", genre="drum-and-bass", mood="tense", bpm=92.5, key="F# dorian", meter="4/4",
    instruments=("strings", "electric-guitar"), excluded=("flute",), bars=8, duration=30.0, form="A", intensity=4,
    loop=False, theme=Theme(1),
)  # fmt: skip


def digest(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def test_texts_are_what_they_were() -> None:
    orders = [CONTROLS, replace(CONTROLS, genre="lo-fi", mood="neutral", state="music"), replace(CONTROLS, key="")]
    prompts = ["", "A chase.", "tense strings at 92.5 bpm", "boss fight with electric guitars, drum and bass"]
    assert digest([Shaper().text(prompt, order) for order in orders for prompt in prompts]) == TEXTS, MEANT


def test_streams_and_windows_are_what_they_were() -> None:
    drawn = [uniforms(seed, first, 5, 4).tolist() for seed in (0, 1, 2**53 - 1) for first in (0, 900)]
    cut = [[asdict(one) for one in windows.windows_of(*piece)] for piece in ((1, 1500), (4000, 1500, 600), (77, 10, 3))]
    assert digest([drawn, cut]) == STREAMS, MEANT


def test_engines_are_what_they_were() -> None:
    places = [Place("cpu", batch, Resources(threads=2)) for batch in (1, 4, 16)] + [Place("cuda", 32)]
    assert digest([asdict(settings_for(place)) for place in places]) == ENGINES, MEANT


def test_endings_are_what_they_were() -> None:
    """In steps of a thousandth, which no library's last bit crosses."""
    tone = np.linspace(0.3, 0.9, 40_000, dtype=np.float32)[None]
    made = ending.faded(tone, 30_000, 8000), ending.folded(tone, 30_000), melody.stretch(tone[0], 39_990, 20)[None]
    told = [(part[0, :: max(part.shape[1] // 20, 1)] * 1000 + 0.25).astype(int).tolist() for part in made]
    assert digest([told, ending.fold_frames(8000, 32000), ending.fold_frames(10**7, 32000)]) == ENDINGS, MEANT


def test_the_digests_are_of_this_revision() -> None:
    assert SOUND_REVISION == REVISION_OF_THESE


TEXTS, STREAMS = "124cce7d3294963b", "333659ddf11630b2"
ENGINES, ENDINGS = "bfd364c5d3a725f1", "6b9991cfefa3a302"
