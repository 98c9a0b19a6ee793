"""A change of how it sounds is never an accident: whole premasters and every room against golden figures.

What to do when a change is meant: `composer_goldens`.
"""

from typing import Any

import numpy as np
import pytest
from composer_goldens import PIECES, RENEW, SOUND, kept, listen, premaster
from numpy.typing import NDArray

from models.composer.rooms import ROOMS, impulse_response

TOLERANCE = 2e-5  # of a premaster: a bank off by one step in every one of its samples would move it by 3e-5
ROOM_TOLERANCE = 2e-6  # a response has unit energy, so that its samples are small


def _golden(part: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in kept(SOUND)[part]}


def _compare(audio: NDArray[np.float32], golden: dict[str, Any], tolerance: float) -> None:
    heard = listen(audio)
    assert heard["frames"] == golden["frames"], RENEW
    for measure, allowed in (("samples", tolerance), ("rms", tolerance / 10)):
        worst = float(np.max(np.abs(np.array(heard[measure]) - np.array(golden[measure]))))
        assert worst <= allowed, f"{golden['name']}: {measure} differ by {worst:.2g}. {RENEW}"


def test_there_is_a_golden_entry_for_every_piece_and_every_room() -> None:
    assert (list(_golden("pieces")), list(_golden("rooms"))) == (list(PIECES), list(ROOMS)), RENEW


@pytest.mark.parametrize("piece", PIECES)
def test_a_whole_premaster_sounds_as_in_this_revision(piece: str) -> None:
    _compare(premaster(piece), _golden("pieces")[piece], TOLERANCE)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_sounds_as_in_this_revision(room: str) -> None:
    _compare(impulse_response(room), _golden("rooms")[room], ROOM_TOLERANCE)
