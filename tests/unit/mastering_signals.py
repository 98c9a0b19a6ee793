"""Short synthetic music for the mastering tests: deterministic, with transients, tones, noise and stereo width."""

import numpy as np

from models.generator import Rendition
from services.planning.order import Delivery


def music(seconds=2.0, rate=48000, level=0.3, seed=7):
    """Two stems of shape (2, frames), float32: a decaying noise beat and a detuned chord."""
    frames = round(seconds * rate)
    time = np.arange(frames) / rate
    noise = np.random.default_rng(seed).uniform(-1, 1, (2, frames))
    drums = level * noise * np.exp(-((time * 4) % 1) * 12)
    chord = [
        np.sum([np.sin(2 * np.pi * (f + side) * time) for f in (110, 164.8, 220, 277.2)], axis=0) for side in (0, 1)
    ]
    return {"drums": drums.astype(np.float32), "keys": (0.3 * level * np.array(chord)).astype(np.float32)}


def tone_loop(cycles, frames):
    """A loop that holds a whole number of cycles of a sine, (2, frames)."""
    wave = 0.4 * np.cos(2 * np.pi * cycles * np.arange(frames) / frames)
    return np.stack([wave, wave]).astype(np.float32)


def rendition(stems, rate=48000, loop=False, midi=None):
    return Rendition(rate, np.sum(list(stems.values()), axis=0, dtype=np.float32), dict(stems), loop, midi)


def delivery(loudness=-23.0, rate=48000, formats=("flac", "ogg"), stems=True):
    return Delivery(tuple(formats), rate, loudness, stems)
