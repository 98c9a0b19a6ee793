"""What a person looks at after training: curves of losses as a table and a picture, spectra of sounds side by side.

Drawn with pillow alone. Nothing here measures or decides.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.storage.whole import whole_file

WIDTH, HEIGHT, EDGE = 900, 420, 46
INK, GRID, PAPER = (40, 40, 48), (222, 222, 228), (255, 255, 255)
COLOURS = ((24, 90, 169), (214, 96, 32), (64, 142, 76), (140, 82, 160), (180, 60, 80), (110, 110, 120))
FLOOR_DB = -90.0


def write_table(path: Path, names: Sequence[str], curve: Any) -> None:
    """A CSV file: step, then each loss, one row a step."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *names])
        for row in np.asarray(curve):
            writer.writerow([int(row[0]), *(repr(float(value)) for value in row[1:])])


def write_curve(path: Path, title: str, names: Sequence[str], curve: Any) -> None:
    """A PNG picture of losses over steps, on a logarithmic scale where all of them are above 0."""
    from PIL import Image, ImageDraw

    values = np.asarray(curve, dtype=np.float64)[:, 1:]
    logarithmic = bool((values > 0).all())
    shown = np.log10(values) if logarithmic else values
    low, high = float(shown.min()), float(shown.max())
    high = high if high > low else low + 1.0
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(picture)
    for line in range(5):
        y = EDGE + (HEIGHT - 2 * EDGE) * line / 4
        value = high - (high - low) * line / 4
        draw.line([(EDGE, y), (WIDTH - EDGE, y)], fill=GRID)
        draw.text((4, y - 6), f"{10**value if logarithmic else value:.3g}", fill=INK)
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        draw.line(_points(_smoothed(shown[:, number]), low, high), fill=colour, width=2)
        draw.text((EDGE + 8 + 120 * number, EDGE - 18), name, fill=colour)
    draw.text((EDGE, 8), f"{title}: {len(values)} steps", fill=INK)
    with whole_file(path) as part:
        picture.save(part, "PNG")


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over a fiftieth of the curve."""
    size = max(len(values) // 50, 1)
    padded = np.pad(values, (size - 1, 0), mode="edge")
    return np.convolve(padded, np.ones(size) / size, mode="valid")


def _points(values: NDArray[np.float64], low: float, high: float) -> list[tuple[float, float]]:
    across = np.linspace(EDGE, WIDTH - EDGE, max(len(values), 2))
    values = np.repeat(values, 2) if len(values) == 1 else values
    down = EDGE + (high - values) / (high - low) * (HEIGHT - 2 * EDGE)
    return [(float(x), float(y)) for x, y in zip(across, down, strict=True)]


def write_spectra(path: Path, sounds: Sequence[tuple[str, NDArray[np.float32]]], rate: int) -> None:
    """A PNG picture of sounds (title, samples) under each other: time across, frequency up, level as brightness."""
    from PIL import Image, ImageDraw

    each = 200
    picture = Image.new("L", (WIDTH, each * len(sounds)), 0)
    draw = ImageDraw.Draw(picture)
    for number, (title, samples) in enumerate(sounds):
        image = Image.fromarray(_spectrum(samples), "L").resize((WIDTH, each - 4))
        picture.paste(image, (0, number * each))
        draw.text((6, number * each + 4), f"{title}, {len(samples) / rate:.1f} s, to {rate / 2000:g} kHz", fill=255)
    with whole_file(path) as part:
        picture.save(part, "PNG")


def _spectrum(samples: NDArray[np.float32]) -> NDArray[np.uint8]:
    window = 512
    padded = np.pad(samples, (0, max(window - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 4]
    levels = 20 * np.log10(np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) / (window / 4) + 1e-9)
    bright = np.clip((levels - FLOOR_DB) / -FLOOR_DB, 0, 1) * 255
    return np.ascontiguousarray(bright.T[::-1], dtype=np.uint8)
