"""Spectrograms for eyes: a PNG of one mix, frequency in octaves upwards, level as brightness. Nothing is measured."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Sound = NDArray[np.float32]
_WIDTH, _HEIGHT = 1200, 420
_LOW, _HIGH = 30.0, 20_000.0
_DEEP_DB, _WINDOW = 75.0, 8192
_MARKS = (60, 250, 1000, 4000, 10_000)


def spectrogram(sound: Sound, rate: int, title: str, path: Path) -> None:
    """Write the spectrogram of `sound`, (2, frames), to `path`."""
    levels = _levels(sound.mean(axis=0), rate)
    shade = np.clip(1 + (levels - levels.max()) / _DEEP_DB, 0, 1)
    colours = np.stack([shade**0.8, shade**1.8, np.sin(np.pi * shade) * 0.45 + 0.1 * shade], axis=-1)
    image = Image.fromarray((255 * np.clip(colours, 0, 1)).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for mark in _MARKS:
        row = _HEIGHT - 1 - int(_HEIGHT * np.log(mark / _LOW) / np.log(_HIGH / _LOW))
        pen.line([(0, row), (8, row)], fill="white")
        pen.text((12, row - 6), f"{mark} Hz", fill="white")
    pen.text((90, 4), title, fill="white")
    image.save(path)


def _levels(mono: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """(height, width) levels in dB, the highest frequency on top, 3 dB an octave lifted so that pink is even."""
    starts = np.linspace(0, max(0, len(mono) - _WINDOW), _WIDTH).astype(int)
    frames = np.stack([np.pad(mono[start : start + _WINDOW], (0, max(0, _WINDOW - len(mono)))) for start in starts])
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2
    edges = np.geomspace(_LOW, _HIGH, _HEIGHT + 1) * _WINDOW / rate
    sums = np.concatenate([np.zeros((len(starts), 1)), np.cumsum(power, axis=1)], axis=1)
    places = np.stack([np.interp(edges, np.arange(row.size), row) for row in sums])
    return 10 * np.log10(np.diff(places, axis=1) + 1e-9).T[::-1]
