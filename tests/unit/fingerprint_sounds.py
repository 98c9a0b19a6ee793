"""Small made-up music for the fingerprint tests, and its way through ffmpeg."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.mastering.encode import encode
from services.mastering.pcm import FULL_SCALE, Pcm
from services.provenance.fingerprints.ffmpeg import ffmpeg_path

RATE = 22050


def music(seed: int, seconds: float = 15.0, rate: int = RATE, timing_s: float = 0.0) -> NDArray[np.float64]:
    """Chords and a tune with overtones, mono in -1..1. `timing_s` moves notes a little, as another player would."""
    rng = np.random.default_rng(seed)
    moved = np.random.default_rng([seed, 99])
    sound = np.zeros(int(seconds * rate))
    for voice in range(3):
        at = 0.0
        while at < seconds - 0.1:
            length = float(rng.choice([0.25, 0.5, 1.0])) * (1 + voice)
            pitch = 110 * 2 ** ((int(rng.integers(0, 24)) + 12 * (2 - voice)) / 12)
            note = at + float(moved.uniform(-timing_s, timing_s)) if at else 0.0
            start, stop = int(note * rate), min(sound.size, int((note + length) * rate))
            time = np.arange(stop - start) / rate
            tone = sum(np.sin(2 * np.pi * pitch * k * time) / k**1.5 for k in range(1, 7))
            sound[start:stop] += tone * np.exp(-2 * time)
            at += length
    return 0.5 * sound / np.abs(sound).max()


def pcm(mono: NDArray[np.float64], rate: int = RATE) -> Pcm:
    samples = np.rint(np.stack([mono, mono], axis=1) * (FULL_SCALE - 1)).astype(np.int32)
    return Pcm(rate, np.ascontiguousarray(samples))


def write(path: Path, mono: NDArray[np.float64], rate: int = RATE) -> Path:
    """`mono` as a stereo 24-bit file in the format of its name."""
    encode(pcm(mono, rate), path.suffix[1:], path)
    return path


def convert(source: Path, target: Path, *arguments: str) -> Path:
    subprocess.run(
        [ffmpeg_path(), "-v", "error", "-nostdin", "-i", str(source), *arguments, str(target)], check=True, timeout=60
    )
    return target
