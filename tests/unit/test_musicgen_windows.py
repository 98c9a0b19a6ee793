"""Windows over long pieces: they cover every frame once, and never change what was made."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.musicgen.windows import Window, joined, kept_of, windows_of


def test_musicgens_own_numbers() -> None:
    """30 s windows of 50 frames a second: a stride of 18 s, 12 s kept."""
    made = windows_of(3000, 1500)
    assert made == (Window(0, 0, 1500), Window(900, 600, 1500), Window(1800, 600, 1200))


@given(window=st.integers(8, 300), total=st.integers(1, 2000), data=st.data())
def test_windows_cover_a_piece_once(window: int, total: int, data: st.DataObject) -> None:
    given_frames = data.draw(st.integers(0, min(total - 1, kept_of(window))))
    made = windows_of(total, window, given_frames)
    fresh = [frame for part in made for frame in range(part.first + part.known, part.end)]
    assert fresh == list(range(given_frames, total))
    assert all(part.frames <= window and part.known < part.frames for part in made)
    assert all(part.first + part.known == before.end for before, part in zip(made, made[1:], strict=False))


@given(window=st.integers(8, 60), total=st.integers(1, 300), known=st.integers(0, 3))
def test_joining_keeps_what_each_window_made(window: int, total: int, known: int) -> None:
    total += known
    given_codes = torch.arange(known).repeat(2, 3, 1) if known else None

    def make(part: Window, told: torch.Tensor | None) -> torch.Tensor:
        """A model that answers with the number of the frame, and whose memory of what it was told may be wrong."""
        codes = torch.arange(part.first, part.end).repeat(2, 3, 1)
        if part.known:
            assert told is not None
            assert torch.equal(told, codes[:, :, : part.known])
        else:
            assert told is None
        codes[:, :, : part.known] = -1
        return codes

    codes = joined(windows_of(total, window, known), given_codes, make)
    assert torch.equal(codes, torch.arange(total).repeat(2, 3, 1))


@pytest.mark.parametrize(("total", "window", "known"), [(10, 20, 10), (30, 20, 20), (0, 20, 0), (30, 20, -1)])
def test_nothing_to_make_is_refused(total: int, window: int, known: int) -> None:
    with pytest.raises(ValueError, match="leave nothing to make"):
        windows_of(total, window, known)
