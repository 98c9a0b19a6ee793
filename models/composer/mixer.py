"""The mixing desk: dry tracks to float stems and their sum. Gain, pan, reverb, one gentle bus compressor.

Every stem carries its own reverb, and the compressor's gain is computed on the whole mix and applied to every stem
alike, so that stems add up to the premaster. Loops are folded: what rings past the end is added to the start, dry and
wet, and the compressor runs round the loop twice and keeps the second round. Nothing is limited or brought to a
loudness here; that is mastering.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from models.composer.rooms import impulse_response
from models.composer.score import Score, Track
from models.composer.synth import RATE, equal_power

Audio = NDArray[np.float32]

LEVEL_DB = 3.5  # of the whole mix: typical cues come out near -20 dBFS RMS
_FFT = 1 << 18
_BATCH = 4  # blocks that are transformed together: as many as the transform works on at once
_PIECE = 1 << 16  # frames that are mixed at a time
_HOP = 128  # frames between points of the compressor's gain


@dataclass(frozen=True)
class Compressor:
    """Threshold in dB (RMS of both sides), ratio, knee in dB, attack and release in seconds."""

    threshold: float = -17.0
    ratio: float = 2.0
    knee: float = 10.0
    attack: float = 0.02
    release: float = 0.22


@dataclass
class Mix:
    """Float32 (2, frames): the stems in order of first appearance, and their sum."""

    stems: dict[str, Audio]
    premaster: Audio


def folded(audio: Audio, frames: int) -> Audio:
    """A loop's own tail laid over its start, in place: frame n is added to frame n modulo `frames`. A view of it."""
    for start in range(frames, audio.shape[-1], frames):
        part = audio[..., start : start + frames]
        audio[..., : part.shape[-1]] += part
    return audio[..., :frames]


@cache
def _response_spectrum(space: str) -> NDArray[np.complex64]:
    return np.asarray(rfft(impulse_response(space), _FFT, workers=1))


def reverberated(send: Audio, space: str) -> Audio:
    """One send, (frames,), in a space: (2, frames + response - 1), by overlap-add of batched blocks."""
    response = _response_spectrum(space)
    ring = impulse_response(space).shape[1] - 1
    block = _FFT - ring
    count = -(-len(send) // block)
    out = np.zeros((2, count * block + ring), np.float32)
    for first in range(0, count, _BATCH):
        rows = np.zeros((_BATCH, _FFT), np.float32)
        for row, number in zip(rows, range(first, count), strict=False):
            piece = send[number * block : (number + 1) * block]
            row[: len(piece)] = piece
        spectrum = rfft(rows, workers=1)
        for side in (0, 1):
            wet = irfft(spectrum * response[side], _FFT, workers=1, overwrite_x=True)
            for row, number in zip(wet, range(first, count), strict=False):
                out[side, number * block : number * block + _FFT] += row
    return out[:, : len(send) + ring]


def _add(track: Track, dry: Audio, stem: Audio, send: Audio, level: float) -> None:
    """Put one dry track on its stem and into its stem's send, piece by piece so that pieces stay in the cache."""
    gain = level * 10 ** (track.gain_db / 20)
    left, right = (np.float32(gain * share) for share in equal_power(max(-1.0, min(1.0, track.pan))))
    wet = np.float32(gain * track.reverb / len(dry))
    scratch = np.empty(_PIECE, np.float32)
    for start in range(0, dry.shape[1], _PIECE):
        piece = dry[:, start : start + _PIECE]
        place = slice(start, start + piece.shape[1])
        held = scratch[: piece.shape[1]]
        for target, channel, factor in ((stem[0], piece[0], left), (stem[1], piece[-1], right)):
            target[place] += np.multiply(channel, factor, out=held)
        if wet:
            for channel in piece:
                send[place] += np.multiply(channel, wet, out=held)


def _stem(tracks: Sequence[tuple[Track, Audio]], space: str, frames: int, loop: bool) -> Audio:
    """Dry and reverb of the tracks of one stem, (2, frames). The dry tracks of a loop are folded in place."""
    stem, send = np.zeros((2, frames), np.float32), np.zeros(frames, np.float32)
    level = 10 ** (LEVEL_DB / 20)
    for track, dry in tracks:
        _add(track, folded(dry, frames) if loop else dry[:, :frames], stem, send, level)
    if any(track.reverb > 0 for track, _ in tracks):
        wet = reverberated(send, space)
        stem += folded(wet, frames) if loop else wet[:, :frames]
    stem -= stem.mean(axis=1, keepdims=True)  # notes that are cut off leave a trace of DC
    return stem


def _static_gain(power: NDArray[np.float64], spec: Compressor) -> NDArray[np.float64]:
    """Gain in dB that the level of every hop asks for, with a quadratic knee."""
    over = 10 * np.log10(np.maximum(power, 1e-10)) - spec.threshold
    bent = np.clip(over + spec.knee / 2, 0, spec.knee) ** 2 / (2 * spec.knee)
    reach = np.where(over > spec.knee / 2, over, bent)
    return -(1 - 1 / spec.ratio) * reach


def _followed(wanted: NDArray[np.float64], spec: Compressor, rounds: int) -> NDArray[np.float64]:
    """The gain as attack and release let it move; of several rounds the last."""
    down, up = (1 - float(np.exp(-_HOP / RATE / seconds)) for seconds in (spec.attack, spec.release))
    gain, targets = 0.0, wanted.tolist()
    for _ in range(rounds):
        out = []
        for target in targets:
            gain += (target - gain) * (down if target < gain else up)
            out.append(gain)
    return np.array(out)


def bus_gain(mix: Audio, loop: bool, spec: Compressor = Compressor()) -> Audio:
    """The compressor's gain for every frame of a mix, (frames,); a loop's ends meet."""
    frames = mix.shape[1]
    hops = -(-frames // _HOP)
    squares = np.zeros(hops * _HOP, np.float32)
    np.multiply(mix[0], mix[0], out=squares[:frames])
    squares[:frames] += mix[1] * mix[1]
    power = squares.reshape(hops, _HOP).mean(axis=1, dtype=np.float64) / 2
    points = 10 ** (_followed(_static_gain(power, spec), spec, 2 if loop else 1) / 20)
    following = np.append(points[1:], points[0] if loop else points[-1])
    ramp = np.arange(_HOP, dtype=np.float32) / _HOP
    gain = points.astype(np.float32)[:, None] + (following - points).astype(np.float32)[:, None] * ramp
    return np.ascontiguousarray(gain.reshape(-1)[:frames])


def ending(frames: int, tail_s: float) -> tuple[int, Audio]:
    """Where the fade of a piece that ends begins, and its curve down to zero on the last frame."""
    count = min(frames, max(int(0.04 * RATE), int(min(2.5, 0.6 * tail_s) * RATE)))
    curve = np.cos(np.linspace(0, np.pi / 2, count)) ** 2
    curve[-1] = 0.0
    return frames - count, curve.astype(np.float32)


def mix(score: Score, dry: Sequence[Audio], frames: int) -> Mix:
    """Mix the tracks of a score, `dry` in the same order as `score.tracks`, to exactly `frames` frames at 48 kHz.

    Raises ValueError for a space that does not exist.
    """
    groups: dict[str, list[tuple[Track, Audio]]] = {}
    for track, audio in zip(score.tracks, dry, strict=True):
        groups.setdefault(track.stem, []).append((track, audio))
    stems = {name: _stem(tracks, score.desk.space, frames, score.loop) for name, tracks in groups.items()}
    premaster = np.zeros((2, frames), np.float32)
    for stem in stems.values():
        premaster += stem
    gain = bus_gain(premaster, score.loop)
    if not score.loop:
        start, curve = ending(frames, score.tail_s)
        gain[start:] *= curve
    for audio in (*stems.values(), premaster):
        np.multiply(audio, gain, out=audio)
    return Mix(stems, premaster)

