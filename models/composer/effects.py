"""What the mixing desk adds to dry sound besides space: a tempo echo, the pump of a kick, drive, and noises.

Everything is a function of the score and goes round a loop without a seam: an echo's tail is the mixer's to fold, the
pump looks round the end, noises repeat with the loop. Nothing here is random: noises come from fixed seeds.
"""

import hashlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft
from scipy.signal import butter, sosfilt

Audio = NDArray[np.float32]

RATE = 48000
ECHO_BAND = (220.0, 5200.0)  # Hz, of the first repeat; every further one is a little darker
_INAUDIBLE = 10 ** (-54 / 20)
_SOFTER = 0.22  # share of the frame before in every repeat: what darkens it
PUMP_KEYS = (35, 36)  # the kick drums of General MIDI
_PUMP_FALL_S, _PUMP_MOST_S = 0.006, 0.32
NOISES = {"vinyl": -54.0, "tape": -56.0, "air": -60.0}
"""Level of every texture in dBFS RMS (of vinyl without its crackle)."""
_NOISE_FRAMES, _SEAM = 1 << 18, 1 << 14
_POPS_PER_SECOND = 5.0


def repeats(feedback: float) -> int:
    """How many repeats of an echo are heard before it is 54 dB down, at least 1."""
    return 1 if feedback <= 0.0 else min(24, 1 + int(np.ceil(np.log(_INAUDIBLE) / np.log(min(feedback, 0.8)))))


def echoes(send: Audio, delay: int, feedback: float) -> Audio:
    """The repeats of a mono send `delay` frames apart, left and right in turn, left first: (2, frames + tail).

    They are made at half the rate (they have no treble) and lie at even frames. Each is `feedback` of the one before.
    """
    half, step = (len(send) + 1) // 2, max(1, delay // 2)
    even = np.zeros(half + 1, np.float32)
    even[:half] = send[::2]
    even[: len(send) // 2] += send[1::2]
    tone = sosfilt(butter(2, ECHO_BAND, "bandpass", fs=RATE / 2, output="sos"), even).astype(np.float32)
    tone *= np.float32(0.5)
    blocks = -(-len(tone) // step) + repeats(feedback)
    slow = np.zeros((2, (blocks + 1) * step), np.float32)
    slow[0, step : step + len(tone)] = tone
    before = np.zeros((2, step), np.float32)
    for block in range(2, blocks + 1):
        past = slow[::-1, (block - 1) * step : block * step]
        darker = past * np.float32(feedback * (1 - _SOFTER))
        darker[:, 1:] += past[:, :-1] * np.float32(feedback * _SOFTER)
        darker[:, 0] += before[:, -1] * np.float32(feedback * _SOFTER)
        slow[:, block * step : (block + 1) * step] += darker
        before = past
    out = np.empty((2, 2 * slow.shape[1]), np.float32)
    out[:, ::2] = slow
    np.add(slow[:, :-1], slow[:, 1:], out=out[:, 1:-1:2])
    out[:, 1:-1:2] *= np.float32(0.5)
    out[:, -1] = 0.0
    return out


def pump_gain(
    kicks: Sequence[tuple[int, int]], depth_db: float, hop: int, hops: int, loop: bool
) -> NDArray[np.float64]:
    """How a kick ducks the others, in dB at every hop: down within 6 ms, and back before the next kick.

    `kicks` are (frame, velocity), sorted. Where a kick falls short of velocity 110 it ducks less.
    """
    out = np.zeros(hops)
    if not kicks or depth_db <= 0:
        return out
    length = hops * hop
    frames = np.array([frame for frame, _ in kicks])
    gaps = np.diff(np.append(frames, frames[0] + length if loop else frames[-1] + length)) / RATE
    for (frame, velocity), gap in zip(kicks, np.maximum(gaps, 0.08).tolist(), strict=True):
        back = min(_PUMP_MOST_S, 0.85 * gap)
        first = (frame - round(_PUMP_FALL_S * RATE)) // hop
        places = np.arange(first, first + int((_PUMP_FALL_S + back) * RATE) // hop + 2)
        since = (places * hop - frame) / RATE
        shape = np.where(since < 0, 1 + since / _PUMP_FALL_S, 0.5 + 0.5 * np.cos(np.pi * np.clip(since / back, 0, 1)))
        dip = -depth_db * min(1.0, velocity / 110) * np.clip(shape, 0.0, 1.0)
        inside = places % hops if loop else places[(places >= 0) & (places < hops)]
        np.minimum.at(out, inside, dip if loop else dip[(places >= 0) & (places < hops)])
    return out


def saturation(mix: Audio, drive_db: float) -> Audio:
    """The gain by which every frame of a mix is bent, (2, frames), at most 1: multiplied by it, it is softly clipped.

    Stems that get the same gain still sum to the mix, which saturating each of them would not do for the mix's own
    peaks: that is why the gain is taken from the mix, side by side, and given to all."""
    gain = mix * np.float32(0.7 * 10 ** (drive_db / 20))
    gain *= gain
    gain += np.float32(1.0)
    np.sqrt(gain, out=gain)
    return np.reciprocal(gain, out=gain)


def texture(kind: str, frames: int, loop: bool) -> Audio:
    """`frames` frames of a noise of `NOISES`, (2, frames); a loop's ends meet. ValueError for an unknown kind."""
    if kind not in NOISES:
        raise ValueError(f"unknown noise {kind!r}; there are {', '.join(NOISES)}")
    seam = min(_SEAM, frames)
    turns = -(-(frames + seam) // _NOISE_FRAMES)
    out = np.tile(_bed(kind), turns)[:, : frames + seam]
    fade = np.sqrt(np.linspace(0, 1, seam, endpoint=False, dtype=np.float32))
    if loop:
        out[:, :seam] = out[:, :seam] * fade + out[:, frames:] * np.sqrt(1 - fade**2)
    else:
        out[:, :seam] *= fade
    out = np.ascontiguousarray(out[:, :frames])
    if kind == "vinyl":
        _crackle(out)
    return out


def _rng(*words: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, ("noise", *words))).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))


@cache
def _bed(kind: str) -> Audio:
    """5.5 s of coloured noise that repeat without a seam, sides alike by a third, at the level of `NOISES`."""
    freqs = np.fft.rfftfreq(_NOISE_FRAMES, 1 / RATE)
    if kind == "tape":
        curve = np.sqrt(np.maximum(freqs, 1) / 4000) / (1 + (freqs / 14000) ** 4)
    elif kind == "air":
        curve = 1 / (1 + (7000 / np.maximum(freqs, 1)) ** 2)
    else:
        curve = 1 / np.sqrt(1 + (freqs / 900) ** 2) + 0.12 / (1 + (freqs / 12000) ** 4)
    curve[freqs < 40] = 0.0
    sides = []
    common, *own = (_rng(kind, name) for name in ("both", "left", "right"))
    shared = common.standard_normal((2, len(freqs)))
    for rng in own:
        part = np.sqrt(2 / 3) * rng.standard_normal((2, len(freqs))) + np.sqrt(1 / 3) * shared
        sides.append(irfft((part[0] + 1j * part[1]) * curve, _NOISE_FRAMES, workers=1))
    bed = np.stack(sides)
    bed *= 10 ** (NOISES[kind] / 20) / np.std(bed)
    return bed.astype(np.float32)


def _crackle(out: Audio) -> None:
    """Dust on the record: clicks of all sizes, most of them tiny, laid round the end of `out`, in place."""
    frames, rng = out.shape[1], _rng("crackle", out.shape[1])
    count = int(_POPS_PER_SECOND * frames / RATE)
    at, sizes = rng.integers(0, frames, count), 0.004 * np.exp(0.9 * rng.standard_normal(count))
    places, lengths = rng.uniform(-0.8, 0.8, count), rng.integers(8, 90, count)
    signs = rng.choice([-1.0, 1.0], count)
    for start, size, place, length, sign in zip(at, np.minimum(sizes, 0.04), places, lengths, signs, strict=True):
        t = np.arange(length)
        click = sign * size * np.exp(-4 * t / length) * np.cos(2.2 * np.pi * t / max(6.0, length / 3))
        click -= click.mean()
        for side, gain in enumerate((1 - place, 1 + place)):
            out[side, (start + t) % frames] += (click * min(gain, 1.0)).astype(np.float32)
