"""How a loop goes round: its first downbeat is one among others and nothing clatters before it."""

import numpy as np
from numpy.typing import ArrayLike

from models.composer.humanise import rounded
from models.composer.score import Notes


def notes(onsets: ArrayLike, pitch: int = 60) -> Notes:
    onset = np.asarray(onsets, np.float64)
    count = len(onset)
    return Notes(onset, np.full(count, 0.25), np.full(count, pitch, np.int32), np.full(count, 100, np.int32))


def test_what_begins_at_the_seam_is_softer_than_what_follows() -> None:
    loop = rounded(notes([0.0, 0.03, 1.0, 4.0]), 16.0, pitched=True)
    assert loop.velocity.tolist() == [84, 84, 100, 100]


def test_no_grace_note_stands_before_the_seam() -> None:
    loop = rounded(notes([0.0, 15.5, 15.95]), 16.0, pitched=True)
    assert loop.onset.tolist() == [0.0, 15.5]
    assert len(loop.length) == len(loop.pitch) == len(loop.velocity) == 2


def test_snares_lead_over_the_seam_quietly_and_hats_go_on() -> None:
    snare, hat = (rounded(notes([8.0, 15.75], key), 16.0, pitched=False) for key in (38, 42))
    assert snare.velocity.tolist() == [100, 50]
    assert hat.velocity.tolist() == [100, 100]


def test_nothing_falls_silent() -> None:
    quiet = Notes(np.zeros(1), np.ones(1), np.full(1, 38, np.int32), np.ones(1, np.int32))
    assert rounded(quiet, 4.0, pitched=False).velocity.tolist() == [1]
