"""The sampler: plays the notes of one track on the sound bank. Dry, float32, 48 kHz; no mixing and no effects.

It reads the SoundFont that the bank module writes and honours what that file uses: zones, loops, pan, attenuation,
attack, release and exclusive classes. Velocity acts twice, on level and on tone: the soft and the loud layer of a note
share their phases, so that any velocity is a blend of both. Notes are resampled to their key once per process and
kept, within a memory bound; what is kept never changes what is played. (The synthesizer that comes with symusic 0.5.8
ignores velocity and releases, so it is not used.)
"""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from models.composer.bank import PRESETS
from models.composer.bank.sf2 import Gen, Sample, Zone, parse
from models.composer.score import Notes

RATE = 48000
VELOCITY_POWER = 1.6  # of the amplitude: the 40 dB of the standard's curve, bent so that soft notes stay in the mix
_KEEP_BYTES = 320 * 2**20
_GRAIN = 24000  # sustained sounds are kept in multiples of this many frames
_BLEND = (15.0, 108.0)  # velocities at which only the soft, only the loud layer sounds

Audio = NDArray[np.float32]


def oversampled(sample: Sample) -> Audio:
    """A sample at twice its rate, band limited; of a looped one the prefix and one loop, and a frame of the next."""
    pcm, margin = sample.pcm, 64
    if sample.loop is not None:
        start, end = sample.loop
        around = np.arange(end, end + margin)
        pcm = np.concatenate([pcm[:end], pcm[start + (around - start) % (end - start)]])
    size = next_fast_len(len(pcm) + margin, real=True)
    padded = np.zeros(size, np.float32)
    padded[: len(pcm)] = pcm
    padded[len(pcm) :] = pcm[-1] * np.linspace(1, 0, size - len(pcm), dtype=np.float32) ** 2
    out = irfft(rfft(padded), 2 * size) * np.float32(2 / 32768)
    whole = len(pcm) if sample.loop is None else sample.loop[1]
    return np.ascontiguousarray(out[: 2 * whole + (sample.loop is not None)])


def resampled(source: Audio, loop: tuple[int, int] | None, step: float, frames: int) -> Audio:
    """`frames` frames of `source` read every `step` of its frames by linear interpolation (it is oversampled, so that
    this costs no treble), its loop repeated as often as that takes; fewer frames where it ends before."""
    wanted = int(np.ceil(frames * step)) + 2
    if loop is not None and wanted > loop[1]:
        repeats = -(-(wanted - loop[1]) // (loop[1] - loop[0]))
        source = np.concatenate([source[: loop[1]], np.tile(source[loop[0] : loop[1]], repeats)])
    frames = max(0, min(frames, int((len(source) - 1) / step)))
    position = np.arange(frames) * step
    whole = position.astype(np.int64)
    share = (position - whole).astype(np.float32)
    out = np.take(source, whole + 1)
    first = np.take(source, whole)
    out -= first
    out *= share
    out += first
    return out


@dataclass(frozen=True)
class Voice:
    """One sounding part of a key: its layers (soft and loud, or one), gains of left and right, envelope in frames."""

    layers: tuple[int, ...]
    left: float
    right: float
    attack: int
    release: int
    choke: int
    pitched: bool


def _seconds(timecents: int) -> float:
    return float(2 ** (timecents / 1200))


def equal_power(pan: float) -> tuple[float, float]:
    """Gains of left and right for a place from -1 to 1; both 1 in the middle, 1.41 and 0 at the ends."""
    angle = np.pi / 4 * (1 + pan)
    return float(np.cos(angle)) * 2**0.5, float(np.sin(angle)) * 2**0.5


def _voice(zones: list[Zone]) -> Voice:
    first = zones[0].generators
    pan, gain = first[Gen.PAN] / 500, 10 ** (-first[Gen.INITIAL_ATTENUATION] / 200)
    left, right = (1.0, 1.0) if pan == 0 else equal_power(pan)
    return Voice(
        tuple(zone.sample for zone in sorted(zones, key=lambda zone: zone.velocities)),
        gain * left, gain * right,
        int(_seconds(first[Gen.ATTACK_VOL_ENV]) * RATE), int(_seconds(first[Gen.RELEASE_VOL_ENV]) * RATE),
        first.get(Gen.EXCLUSIVE_CLASS, 0), first.get(Gen.SCALE_TUNING, 100) != 0,
    )


class Sampler:
    """A loaded bank. Not thread-safe (it keeps what it resampled); one to a process."""

    def __init__(self, bank: Path) -> None:
        programs, self._samples = parse(np.memmap(bank, np.uint8, "r").data)
        self._programs = {(program.bank, program.program): program.zones for program in programs}
        self._voices: dict[tuple[str, int], tuple[Voice, ...]] = {}
        self._kept: OrderedDict[tuple[int, int], Audio] = OrderedDict()
        self._bytes = 0
        self._buffers = [np.zeros(0, np.float32), np.zeros(0, np.float32)]

    def voices(self, instrument: str, key: int) -> tuple[Voice, ...]:
        """What sounds when `key` is played; empty for a drum key that the kit lacks. KeyError on unknown names."""
        found = self._voices.get((instrument, key))
        if found is None:
            preset = PRESETS[instrument]
            places: dict[int, list[Zone]] = {}
            for zone in self._programs[preset.bank, preset.program]:
                if zone.keys[0] <= key <= zone.keys[1]:
                    places.setdefault(zone.generators[Gen.PAN], []).append(zone)
            found = self._voices[instrument, key] = tuple(_voice(zones) for zones in places.values())
        return found

    def _source(self, number: int, key: int, frames: int) -> Audio:
        """At least `frames` frames of a sample at a key (0: as it is), or all of it; kept for the next note."""
        held = self._kept.get((number, key))
        if held is None or (self._samples[number].loop is not None and len(held) < frames):
            return self._keep((number, key), self._pitched(number, key, frames))
        self._kept.move_to_end((number, key))
        return held

    def _pitched(self, number: int, key: int, frames: int) -> Audio:
        sample = self._samples[number]
        if not key and sample.rate == RATE:
            return sample.pcm * np.float32(1 / 32768)
        double = self._kept.get((number, -1))
        if double is None:
            double = self._keep((number, -1), oversampled(sample))
        step = 2 * sample.rate / RATE * 2 ** ((key - sample.root) / 12)
        if sample.loop is None:
            return resampled(double, None, step, int(len(double) / step))
        start, end = sample.loop
        return resampled(double, (2 * start, 2 * end), step, -(-frames // _GRAIN) * _GRAIN)

    def _keep(self, place: tuple[int, int], audio: Audio) -> Audio:
        old = self._kept.pop(place, None)
        self._bytes += audio.nbytes - (0 if old is None else old.nbytes)
        self._kept[place] = audio
        while self._bytes > _KEEP_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return audio

    def _blended(self, voice: Voice, key: int, velocity: int, frames: int, gain: float) -> Audio:
        """The voice times `gain` in the scratch buffer: tone by velocity, level by velocity."""
        key = key if voice.pitched else 0
        level = gain * (velocity / 127) ** VELOCITY_POWER
        share = min(max((velocity - _BLEND[0]) / (_BLEND[1] - _BLEND[0]), 0.0), 1.0) if len(voice.layers) > 1 else 1.0
        loud = self._source(voice.layers[-1], key, frames)[:frames]
        out = self._scratch(0, len(loud))
        np.multiply(loud, np.float32(share * level), out=out)
        if share < 1.0:
            soft = self._source(voice.layers[0], key, frames)[: len(loud)]
            other = self._scratch(1, len(soft))
            np.multiply(soft, np.float32((1 - share) * level), out=other)
            out = out[: len(soft)]
            out += other
        return out

    def _scratch(self, which: int, frames: int) -> Audio:
        if len(self._buffers[which]) < frames:
            self._buffers[which] = np.zeros(2 * frames, np.float32)
        return self._buffers[which][:frames]

    def render(self, instrument: str, notes: Notes, bpm: float) -> Audio:
        """One track, dry: (1, frames) for an instrument in the middle, else (2, frames), tails included.

        `notes` are in quarter notes of `bpm`. Frames end with the last sound; no notes give no frames.
        Raises KeyError for an instrument that the bank lacks.
        """
        starts, lengths = _frames(notes, bpm, PRESETS[instrument].is_drum)
        keys = notes.pitch.tolist()
        plan = [self.voices(instrument, key) for key in keys]
        wide = any(voice.left != voice.right for voices in set(plan) for voice in voices)
        _choke(starts, lengths, plan)
        longest = max((voice.release for voices in set(plan) for voice in voices), default=0)
        ends = [start + length for start, length in zip(starts, lengths, strict=True)]
        out = np.zeros((2 if wide else 1, max(ends, default=0) + longest + 1), np.float32)
        last = 0
        velocities = notes.velocity.tolist()
        for start, length, key, velocity, voices in zip(starts, lengths, keys, velocities, plan, strict=True):
            for voice in voices:
                last = max(last, start + self._play(out[:, start:], voice, key, velocity, length))
        return out[:, :last]

    def _play(self, out: Audio, voice: Voice, key: int, velocity: int, length: int) -> int:
        """Add one voice to `out`; how many frames it sounded."""
        gains = (voice.left,) if len(out) == 1 else (voice.left, voice.right)
        heard = [(channel, gain) for channel, gain in enumerate(gains) if gain > 1e-6]
        current = heard[0][1]
        audio = self._blended(voice, key, velocity, length + voice.release, current)
        if voice.attack > 48:
            ramp = _attack(voice.attack)[: len(audio)]
            audio[: len(ramp)] *= ramp
        tail = audio[length:]
        tail *= _release(voice.release)[: len(tail)]
        for channel, gain in heard:
            if gain != current:
                audio *= np.float32(gain / current)
                current = gain
            out[channel, : len(audio)] += audio
        return len(audio)


_RAMPS: dict[tuple[str, int], Audio] = {}


def _attack(frames: int) -> Audio:
    """A raised-cosine rise."""
    ramp = _RAMPS.get(("attack", frames))
    if ramp is None:
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(frames) + 0.5) / frames)).astype(np.float32)
        _RAMPS["attack", frames] = ramp
    return ramp


def _release(frames: int) -> Audio:
    """An exponential fall of 35 dB that is bent to reach zero."""
    ramp = _RAMPS.get(("release", frames))
    if ramp is None:
        x = (np.arange(frames) + 1) / max(frames, 1)
        ramp = (np.exp(-4 * x) * (1 - x) ** 0.5).astype(np.float32)
        _RAMPS["release", frames] = ramp
    return ramp


def _frames(notes: Notes, bpm: float, is_drum: bool) -> tuple[list[int], list[int]]:
    """First frame and length of every note; drums ring out whatever their written length."""
    frame = RATE * 60 / bpm
    starts = np.round(notes.onset * frame).astype(np.int64)
    lengths = np.maximum(np.round((notes.onset + notes.length) * frame).astype(np.int64) - starts, 1)
    if is_drum:
        lengths[:] = 4 * RATE
    return starts.tolist(), lengths.tolist()


def _choke(starts: list[int], lengths: list[int], plan: list[tuple[Voice, ...]]) -> None:
    """End every note of an exclusive class where the next one of its class begins."""
    following: dict[int, int] = {}
    for i in range(len(starts) - 1, -1, -1):
        choke = plan[i][0].choke if plan[i] else 0
        if choke:
            if choke in following and following[choke] > starts[i]:
                lengths[i] = min(lengths[i], following[choke] - starts[i])
            following[choke] = starts[i]
