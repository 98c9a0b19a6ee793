"""A picture of a take to find one's way by: waveform above, mel spectrogram below, sections marked on a time axis.

Drawn with numpy and Pillow from the finished mix; the same PCM, marks and library versions give the same bytes.
Nothing is measured from it.
"""

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.mastering.pcm import Pcm

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from torchaudio.transforms import MelSpectrogram

Mark = tuple[float, str]  # seconds from the start, label

WIDTH, HEIGHT = 960, 360
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 12, 12, 22, 6, 20
_WAVE_HEIGHT, _MELS = 118, 128
_SPECTRUM_TOP = _TOP + _WAVE_HEIGHT + _GAP
_SPECTRUM_HEIGHT = HEIGHT - _SPECTRUM_TOP - _BOTTOM
_COLUMNS = WIDTH - _LEFT - _RIGHT
_OVERSAMPLING = 2  # spectra a column
_WINDOW_S = 0.0426  # 2048 frames at 48 kHz: as long as the lowest mel band needs
_RANGE_DB = 75.0

_BACKGROUND, _PANEL = (18, 17, 26), (27, 25, 38)
_PEAK, _BODY, _ZERO = (86, 98, 160), (150, 178, 240), (58, 56, 78)
_TEXT, _LINE, _MARK = (176, 176, 192), (66, 64, 86), (240, 196, 110)
_COLOUR_STOPS = (  # even in lightness from near black to pale yellow, in the manner of matplotlib's magma (CC0)
    (0, 0, 4), (20, 14, 54), (59, 15, 112), (100, 26, 128), (140, 41, 129), (183, 55, 121),
    (222, 73, 104), (247, 112, 92), (254, 159, 109), (254, 207, 146), (252, 253, 191),
)  # fmt: skip


def picture(pcm: Pcm, marks: Sequence[Mark] = ()) -> bytes:
    """A PNG of 960 x 360 pixels; `marks` outside the sound are left out."""
    from PIL import Image, ImageDraw

    canvas = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    canvas[:] = _BACKGROUND
    audio = pcm.as_float()
    columns = slice(_LEFT, _LEFT + _COLUMNS)
    canvas[_TOP : _TOP + _WAVE_HEIGHT, columns] = _waveform(audio)
    canvas[_SPECTRUM_TOP : _SPECTRUM_TOP + _SPECTRUM_HEIGHT, columns] = _spectrogram(audio, pcm.sample_rate)
    image = Image.fromarray(canvas)
    _draw_axis(ImageDraw.Draw(image), pcm.duration_s, marks)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()


def _waveform(audio: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Peaks and, brighter, the RMS of every column; the loudest peak fills the panel."""
    edges = np.arange(_COLUMNS) * audio.shape[1] // _COLUMNS
    lengths = np.maximum(np.diff(np.append(edges, audio.shape[1])), 1)
    high = np.maximum.reduceat(audio.max(axis=0), edges)
    low = np.minimum.reduceat(audio.min(axis=0), edges)
    rms = np.sqrt(np.add.reduceat(np.square(audio).mean(axis=0), edges) / lengths)
    scale = (_WAVE_HEIGHT / 2 - 2) / max(float(high.max()), -float(low.min()), 1e-9)
    heights = (_WAVE_HEIGHT - 1) / 2 - np.arange(_WAVE_HEIGHT)[:, None]
    panel = np.empty((_WAVE_HEIGHT, _COLUMNS, 3), dtype=np.uint8)
    panel[:] = _PANEL
    panel[np.abs(heights[:, 0]) < 1] = _ZERO
    panel[(heights <= high * scale) & (heights >= low * scale)] = _PEAK
    panel[np.abs(heights) <= rms * scale] = _BODY
    return panel


def _spectrogram(audio: NDArray[np.float32], sample_rate: int) -> NDArray[np.uint8]:
    """Mel levels from the loudest down to 75 dB below it, low frequencies at the bottom."""
    import torch

    spectra = _COLUMNS * _OVERSAMPLING
    starts = np.linspace(0, audio.shape[1], spectra).astype(np.int64)
    window = _window_frames(sample_rate)
    mono = np.pad(audio.mean(axis=0), window // 2)
    pieces = np.lib.stride_tricks.sliding_window_view(mono, window)[starts]
    with torch.inference_mode():
        mel = _mel(sample_rate)(torch.from_numpy(np.ascontiguousarray(pieces)))[..., 0].numpy()  # (spectra, mels)
    levels = 10 * np.log10(np.maximum(mel.reshape(_COLUMNS, _OVERSAMPLING, _MELS).max(axis=1), 1e-12))
    levels = np.clip((levels - levels.max()) / _RANGE_DB + 1, 0, 1).T[::-1]
    rows = np.linspace(0, _MELS - 1, _SPECTRUM_HEIGHT)
    below = np.minimum(rows.astype(np.int64), _MELS - 2)
    smooth = levels[below] + (levels[below + 1] - levels[below]) * (rows - below)[:, None]
    return _colours()[(smooth * 255).astype(np.uint8)]


def _window_frames(sample_rate: int) -> int:
    """The power of two at or above the window's length."""
    return 1 << math.ceil(math.log2(sample_rate * _WINDOW_S))


@lru_cache(maxsize=4)
def _mel(sample_rate: int) -> "MelSpectrogram":
    from torchaudio.transforms import MelSpectrogram

    return MelSpectrogram(
        sample_rate,
        n_fft=_window_frames(sample_rate),
        hop_length=_window_frames(sample_rate),
        n_mels=_MELS,
        f_min=30.0,
        f_max=min(16_000.0, sample_rate / 2),
        center=False,
    )


@lru_cache(maxsize=1)
def _colours() -> NDArray[np.uint8]:
    stops = np.array(_COLOUR_STOPS, dtype=np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    table = [np.interp(at, np.arange(len(stops)), channel) for channel in stops.T]
    return np.stack(table, axis=1).round().astype(np.uint8)


def _draw_axis(draw: "ImageDraw", duration: float, marks: Sequence[Mark]) -> None:
    """Time ticks below, section marks above and through both panels."""
    from PIL import ImageFont

    font = ImageFont.load_default(11)
    below = HEIGHT - _BOTTOM
    step = _tick_seconds(duration)
    for tick in range(int(duration / step + 1e-6) + 1):
        x = _LEFT + tick * step / duration * (_COLUMNS - 1)
        draw.line([(x, below), (x, below + 3)], fill=_TEXT)
        anchor = "lt" if tick == 0 else "rt" if x > WIDTH - 30 else "mt"
        draw.text((x, below + 6), _clock(tick * step, step), fill=_TEXT, font=font, anchor=anchor)
    free_from = 0.0
    for seconds, label in sorted(marks):
        if not 0 <= seconds <= duration:
            continue
        x = _LEFT + seconds / duration * (_COLUMNS - 1)
        draw.line([(x, _TOP - 4), (x, below - 1)], fill=_MARK)
        width = draw.textlength(label, font=font)
        if x >= free_from and x + width <= WIDTH:
            draw.text((x + 1, _TOP - 17), label, fill=_MARK, font=font)
            free_from = x + width + 8


def _tick_seconds(duration: float) -> float:
    """The smallest pleasant step that gives at most twelve ticks."""
    steps = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
    return next((step for step in steps if duration / step <= 12), duration / 12)


def _clock(seconds: float, step: float) -> str:
    if step < 1:
        return f"{seconds:.2f}"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
