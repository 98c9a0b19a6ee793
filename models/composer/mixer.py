"""The mixing desk: dry tracks to float stems and their sum. Gain, pan, echo, reverb, pump, bus compressor, drive.

Every stem carries its own echo and reverb, and the gains of compressor and drive are computed on the whole mix and
applied to every stem alike, so that stems add up to the premaster. Loops are folded: what rings past the end is added
to the start, dry and wet, and the compressor runs round the loop twice and keeps the second round. Nothing is limited
or brought to a loudness here; that is mastering.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from models.composer.effects import PUMP_KEYS, echoes, pump_gain, saturation, texture
from models.composer.rooms import impulse_response
from models.composer.score import Desk, Score, Track
from models.composer.synth import RATE, equal_power

Audio = NDArray[np.float32]

LEVEL_DB = 3.5  # of the whole mix: typical cues come out near -20 dBFS RMS
_FFT = 1 << 18  # of most spaces; long ones take twice that
_BATCH = 4  # blocks that are transformed together: as many as the transform works on at once
_PIECE = 1 << 15  # frames that are mixed at a time, a multiple of the hop
_HOP = 256  # frames between points of the gains
_ECHO_TO_REVERB = 0.3
NOISE_LAYER = "texture"


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
    """The transform of both sides of a response; its size is twice the last axis less one."""
    response = impulse_response(space)
    size = _FFT if 5 * response.shape[1] < 3 * _FFT else 2 * _FFT
    return np.asarray(rfft(response, size, workers=1))


def add_reverb(send: Audio, space: str, stem: Audio, loop: bool) -> None:
    """Add one send, (frames,), in a space to `stem`, (2, frames), by overlap-add of batched blocks.

    The tail is laid over the start of a loop, and left out where a piece ends. ValueError for an unknown space.
    """
    response = _response_spectrum(space)
    size = 2 * (response.shape[1] - 1)
    block = size - impulse_response(space).shape[1] + 1
    count = -(-len(send) // block)
    rows = np.empty((_BATCH, size), np.float32)
    product = np.empty((_BATCH, size // 2 + 1), np.complex64)
    for first in range(0, count, _BATCH):
        rows[:] = 0.0
        numbers = range(first, min(first + _BATCH, count))
        for row, number in zip(rows, numbers, strict=False):
            piece = send[number * block : (number + 1) * block]
            row[: len(piece)] = piece
        if not rows.any():
            continue
        spectrum = rfft(rows, workers=1)
        for side in (0, 1):
            wet = irfft(np.multiply(spectrum, response[side], out=product), size, workers=1, overwrite_x=True)
            for row, number in zip(wet, numbers, strict=False):
                _lay(row, stem[side], number * block, loop)


def _lay(row: Audio, channel: Audio, start: int, loop: bool) -> None:
    """Add `row` to `channel` from frame `start` on; past the end it goes round a loop, and nowhere else."""
    if not loop:
        channel[start : start + len(row)] += row[: max(0, len(channel) - start)]
        return
    done = 0
    while done < len(row):
        at = (start + done) % len(channel)
        part = row[done : done + len(channel) - at]
        channel[at : at + len(part)] += part
        done += len(part)


@dataclass
class _Sends:
    """What a layer sends to echo and reverb, mono; made when first used."""

    frames: int
    echo: Audio | None = None
    reverb: Audio | None = None

    def to(self, name: str) -> Audio:
        held: Audio | None = getattr(self, name)
        if held is None:
            held = np.zeros(self.frames, np.float32)
            setattr(self, name, held)
        return held


def _add(track: Track, dry: Audio, stem: Audio, sends: _Sends, echo: float) -> None:
    """Put one dry track on its stem and into its sends, piece by piece so that pieces stay in the cache."""
    gain = 10 ** ((LEVEL_DB + track.gain_db) / 20)
    left, right = (np.float32(gain * share) for share in equal_power(max(-1.0, min(1.0, track.pan))))
    amounts = (("reverb", track.reverb), ("echo", echo))
    wet = [(sends.to(name), np.float32(gain * amount / len(dry))) for name, amount in amounts if amount > 0]
    scratch = np.empty(_PIECE, np.float32)
    for start in range(0, dry.shape[1], _PIECE):
        piece = dry[:, start : start + _PIECE]
        if not piece.any():
            continue
        place = slice(start, start + piece.shape[1])
        held = scratch[: piece.shape[1]]
        for target, channel, factor in ((stem[0], piece[0], left), (stem[1], piece[-1], right)):
            target[place] += np.multiply(channel, factor, out=held)
        for send, factor in wet:
            for channel in piece:
                send[place] += np.multiply(channel, factor, out=held)


def _layer(tracks: Sequence[Track], play: Callable[[Track], Audio], score: Score, frames: int) -> Audio:
    """Dry sound, echo and reverb of the tracks of one layer, (2, frames). One dry track is held at a time."""
    desk, loop = score.desk, score.loop
    stem, sends = np.zeros((2, frames), np.float32), _Sends(frames)
    for track in tracks:
        dry = play(track)
        echo = track.echo if desk.echo_beats > 0 else 0.0
        _add(track, folded(dry, frames) if loop else dry[:, :frames], stem, sends, echo)
        del dry  # before echo and reverb take their own room
    if sends.echo is not None:
        _add_echo(sends, desk, score.bpm, stem, loop)
        sends.echo = None
    if sends.reverb is not None:
        add_reverb(sends.reverb, desk.space, stem, loop)
    return stem


def _add_echo(sends: _Sends, desk: Desk, bpm: float, stem: Audio, loop: bool) -> None:
    """The repeats of what was sent, on the stem and a little of them into the space."""
    wet = echoes(sends.to("echo"), round(desk.echo_beats * 60 / bpm * RATE), desk.echo_feedback)
    for channel, repeated in zip(stem, wet, strict=True):
        _lay(repeated, channel, 0, loop)
    reverb = sends.to("reverb")
    wet *= np.float32(_ECHO_TO_REVERB / 2)
    for repeated in wet:
        _lay(repeated, reverb, 0, loop)


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


def bus_gain(power: NDArray[np.float64], loop: bool, spec: Compressor = Compressor()) -> NDArray[np.float64]:
    """The compressor's gain at every hop of a mix, from the mean power of each."""
    return np.asarray(10 ** (_followed(_static_gain(power, spec), spec, 2 if loop else 1) / 20))


def _lines(points: NDArray[np.float64], place: slice, frames: int, loop: bool) -> Audio:
    """Straight lines through gains at hops, for the frames of `place`; the last gain of a loop leads to the first."""
    start, stop = place.start // _HOP, -(-place.stop // _HOP)
    following = np.append(points[1:], points[0] if loop else points[-1])[start:stop].astype(np.float32)
    here = points[start:stop].astype(np.float32)
    ramp = np.arange(_HOP, dtype=np.float32) / np.float32(_HOP)
    gain = here[:, None] + (following - here)[:, None] * ramp
    short = frames % _HOP
    if place.stop == frames and short:
        gain[-1, :short] = here[-1] + (following[-1] - here[-1]) * (ramp[:short] * np.float32(_HOP / short))
    return gain.reshape(-1)[: place.stop - place.start]


def kicks_of(score: Score) -> list[tuple[int, int]]:
    """(frame, velocity) of every bass drum that the kit plays, in order."""
    found = []
    for track in score.tracks:
        if track.role == "drums":
            for onset, key, velocity in zip(track.notes.onset, track.notes.pitch, track.notes.velocity, strict=True):
                if int(key) in PUMP_KEYS:
                    found.append((round(float(onset) * 60 / score.bpm * RATE), int(velocity)))
    return sorted(found)


def ending(frames: int, tail_s: float) -> tuple[int, Audio]:
    """Where the fade of a piece that ends begins, and its curve down to zero on the last frame."""
    count = min(frames, max(int(0.04 * RATE), int(min(2.5, 0.6 * tail_s) * RATE)))
    curve = np.cos(np.linspace(0, np.pi / 2, count)) ** 2
    curve[-1] = 0.0
    return frames - count, curve.astype(np.float32)


def mix(score: Score, play: Callable[[Track], Audio], frames: int) -> Mix:
    """Mix a score to exactly `frames` frames at 48 kHz. `play` gives a track dry, (1 or 2, frames): it may be changed
    and is let go of before the next one is asked for.

    Raises ValueError for a space or a noise that does not exist.
    """
    layers: dict[str, list[Track]] = {}
    for track in score.tracks:
        layers.setdefault(track.stem, []).append(track)
    stems = {name: _layer(tracks, play, score, frames) for name, tracks in layers.items()}
    if score.desk.noise:
        noise = texture(score.desk.noise, frames, score.loop)
        stems[NOISE_LAYER] = stems[NOISE_LAYER] + noise if NOISE_LAYER in stems else noise
    premaster, power = _summed(stems, score, frames)
    _through_bus(stems, premaster, bus_gain(power, score.loop), score)
    return Mix(stems, premaster)


def _summed(stems: dict[str, Audio], score: Score, frames: int) -> tuple[Audio, NDArray[np.float64]]:
    """The stems, freed of DC (which notes that are cut off leave) and ducked in place; their sum, its power per hop."""
    hops = -(-frames // _HOP)
    offsets = {name: stem.mean(axis=1, keepdims=True) for name, stem in stems.items()}
    pump = pump_gain(kicks_of(score), score.desk.pump, _HOP, hops, score.loop)
    ducked = 10 ** (pump / 20) if pump.any() else None
    premaster, power = np.empty((2, frames), np.float32), np.empty(hops)
    for start in range(0, frames, _PIECE):
        place, first = slice(start, min(start + _PIECE, frames)), start // _HOP
        total = premaster[:, place]
        total[:] = 0.0
        last = -(-place.stop // _HOP)
        dip = None if ducked is None else _lines(ducked, place, frames, score.loop)
        for name, stem in stems.items():
            piece = stem[:, place]
            piece -= offsets[name]
            if dip is not None and name != "drums":
                piece *= dip
            total += piece
        power[first:last] = _power(total)
    return premaster, power


def _power(piece: Audio) -> NDArray[np.float64]:
    """Mean square of both sides for every hop of a piece; the last one may be short."""
    squares = np.zeros(-(-piece.shape[1] // _HOP) * _HOP, np.float32)
    np.multiply(piece[0], piece[0], out=squares[: piece.shape[1]])
    squares[: piece.shape[1]] += piece[1] * piece[1]
    return np.asarray(squares.reshape(-1, _HOP).mean(axis=1, dtype=np.float64) / 2)


def _through_bus(stems: dict[str, Audio], premaster: Audio, points: NDArray[np.float64], score: Score) -> None:
    """Compressor, drive and the final fade, in place: one gain for the premaster and every stem."""
    frames = premaster.shape[1]
    fade_from, curve = (frames, np.ones(0, np.float32)) if score.loop else ending(frames, score.tail_s)
    for start in range(0, frames, _PIECE):
        place = slice(start, min(start + _PIECE, frames))
        total = premaster[:, place]
        gain = _lines(points, place, frames, score.loop)
        if place.stop > fade_from:
            faded = slice(max(0, fade_from - start), None)
            gain[faded] *= curve[max(0, start - fade_from) : place.stop - fade_from]
        both = gain * saturation(total * gain, score.desk.drive) if score.desk.drive > 0 else gain
        for audio in (premaster, *stems.values()):
            audio[:, place] *= both
