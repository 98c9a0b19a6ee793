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

LEVEL_DB = 0.0  # of the whole mix: typical cues come out near -20 dBFS RMS
_FFT = 1 << 18
_HOP = 64  # frames between points of the compressor's gain


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
    """A loop's own tail laid over its start: every frame n is added to frame n modulo `frames`."""
    if audio.shape[-1] <= frames:
        return audio
    out = audio[..., :frames].copy()
    for start in range(frames, audio.shape[-1], frames):
        part = audio[..., start : start + frames]
        out[..., : part.shape[-1]] += part
    return out


@cache
def _response_spectrum(space: str) -> NDArray[np.complex64]:
    return np.asarray(rfft(impulse_response(space), _FFT, workers=1))


def reverberated(send: Audio, space: str) -> Audio:
    """One send, (frames,), in a space: (2, frames + response - 1), by overlap-add."""
    response = _response_spectrum(space)
    ring = impulse_response(space).shape[1] - 1
    block = _FFT - ring
    out = np.zeros((2, len(send) + ring), np.float32)
    for start in range(0, len(send), block):
        spectrum = rfft(send[start : start + block], _FFT, workers=1)
        for side in (0, 1):
            wet = irfft(spectrum * response[side], _FFT, workers=1, overwrite_x=True)
            place = out[side, start : start + _FFT]
            place += wet[: len(place)]
    return out


def _add(track: Track, dry: Audio, stem: Audio, send: Audio, level: float) -> None:
    """Put one dry track on its stem and into its stem's send."""
    gain = level * 10 ** (track.gain_db / 20)
    frames = dry.shape[1]
    for side, share in enumerate(equal_power(max(-1.0, min(1.0, track.pan)))):
        stem[side, :frames] += dry[side % len(dry)] * np.float32(gain * share)
    if track.reverb > 0:
        wet = np.float32(gain * track.reverb / len(dry))
        for channel in dry:
            send[:frames] += channel * wet


def _stem(tracks: Sequence[tuple[Track, Audio]], space: str, frames: int, loop: bool) -> Audio:
    """Dry and reverb of the tracks of one stem, (2, frames)."""
    longest = max([frames, *(dry.shape[1] for _, dry in tracks)])
    stem, send = np.zeros((2, longest), np.float32), np.zeros(longest, np.float32)
    level = 10 ** (LEVEL_DB / 20)
    for track, dry in tracks:
        _add(track, dry, stem, send, level)
    if loop:
        stem, send = folded(stem, frames), folded(send, frames)
    stem, send = stem[:, :frames], send[:frames]
    if any(track.reverb > 0 for track, _ in tracks):
        wet = reverberated(send, space)
        wet = folded(wet, frames) if loop else wet[:, :frames]
        stem += wet
    return np.ascontiguousarray(stem)


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


def bus_gain(mix: Audio, loop: bool, spec: Compressor = Compressor()) -> Audio:  # noqa: B008
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
    return frames - count, curve.astype(np.float32)


def mix(score: Score, dry: Sequence[Audio], frames: int) -> Mix:
    """Mix the tracks of a score, `dry` in the same order as `score.tracks`, to exactly `frames` frames at 48 kHz.

    Raises ValueError for a space that does not exist.
    """
    groups: dict[str, list[tuple[Track, Audio]]] = {}
    for track, audio in zip(score.tracks, dry, strict=True):
        groups.setdefault(track.stem, []).append((track, audio))
    stems = {name: _stem(tracks, score.space, frames, score.loop) for name, tracks in groups.items()}
    gain = bus_gain(_sum(stems, frames), score.loop)
    if not score.loop:
        start, curve = ending(frames, score.tail_s)
        gain[start:] *= curve
    for stem in stems.values():
        stem *= gain
    return Mix(stems, _sum(stems, frames))


def _sum(stems: dict[str, Audio], frames: int) -> Audio:
    out = np.zeros((2, frames), np.float32)
    for stem in stems.values():
        out += stem
    return out
