"""The sampler: plays the notes of one track on the sound bank. Dry, float32, 48 kHz; no mixing and no effects.

It reads the SoundFont that the bank module writes and honours what that file uses: zones, loops, pan, attenuation,
attack, release and exclusive classes. Velocity acts twice, on level and on tone: the soft and the loud layer of a note
share their phases, so that any velocity is a blend of both. Repeated notes of an instrument that has alternates take
them in turn. Notes are resampled to their key, and put through the instrument's channel strip, once per process and
kept, within a memory bound; what is kept never changes what is played. (The synthesizer that comes with symusic 0.5.8
ignores velocity and releases, so it is not used.)
"""

import mmap
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from models.composer.bank import PRESETS
from models.composer.bank.sf2 import Gen, Sample, Zone, parse
from models.composer.score import Notes
from models.composer.strips import Sections, Strip, sections, strip_of

RATE = 48000
VELOCITY_POWER = 1.6  # of the amplitude: the 40 dB of the standard's curve, bent so that soft notes stay in the mix
_KEEP_BYTES = 88 * 2**20  # of notes at their keys
_KEEP_DOUBLE_BYTES = 96 * 2**20  # of samples at twice their rate: dearer to make, needed only for notes not kept
_GRAIN = 24000  # sustained sounds are kept in multiples of this many frames
_PIECE = 1 << 14  # frames that are resampled at a time, so that they stay in the cache
_NEIGHBOURS = 12  # on either side, from which a sample between two is made
_BLEND = (15.0, 108.0)  # velocities at which only the softest, only the loudest layer sounds
_LEAST_ATTACK = 24  # frames, of the hardest stroke: no note begins with a step
_ALTERNATE = 10  # from the bank number of a preset to that of its alternate

Audio = NDArray[np.float32]
_Place = TypeVar("_Place")


def filtered(pcm: Audio, loop: tuple[int, int] | None, filters: Sections) -> Audio:
    """A sample through a chain of filters; its loop as they leave it after a round, so that it has no seam."""
    if loop is None:
        return sosfilt(filters, pcm).astype(np.float32)
    start, end = loop
    first, state = sosfilt(filters, pcm[:end], zi=np.zeros((len(filters), 2)))
    first[start:] = sosfilt(filters, pcm[start:end], zi=state)[0]
    return first.astype(np.float32)


@lru_cache(maxsize=1)
def _between() -> tuple[float, ...]:
    """What the sample half way between two takes of its neighbours on either side, nearest first: a Kaiser-windowed
    sinc, flat to 0.4 of the sample rate, images 75 dB down."""
    offsets = np.arange(_NEIGHBOURS) + 0.5
    taps = np.sinc(offsets) * np.i0(7.5 * np.sqrt(1 - (offsets / _NEIGHBOURS) ** 2)) / np.i0(7.5)
    return tuple((0.5 * taps / taps.sum()).tolist())


def oversampled(pcm: Audio, loop: tuple[int, int] | None) -> Audio:
    """A sample at twice its rate; of a looped one the prefix and one loop, and a frame of the next."""
    whole = len(pcm)
    padded = np.zeros(whole + 2 * _NEIGHBOURS, np.float32)
    padded[_NEIGHBOURS : _NEIGHBOURS + whole] = pcm
    if loop is not None:
        start, whole = loop
        around = np.arange(_NEIGHBOURS)
        padded[_NEIGHBOURS + whole :][:_NEIGHBOURS] = pcm[start + around % (whole - start)]
    out = np.empty(2 * whole + 1, np.float32)
    for first in range(0, whole, _PIECE):
        size = min(_PIECE, whole - first)
        middle, pair = np.zeros(size, np.float32), np.empty(size, np.float32)
        centre = first + _NEIGHBOURS
        for place, tap in enumerate(_between()):
            before, after = centre - place, centre + place + 1
            np.add(padded[before : before + size], padded[after : after + size], out=pair)
            pair *= np.float32(tap)
            middle += pair
        out[2 * first : 2 * (first + size) : 2] = padded[centre : centre + size]
        out[2 * first + 1 : 2 * (first + size) + 1 : 2] = middle
    out[-1] = padded[_NEIGHBOURS + whole]
    return out


@lru_cache(maxsize=96)
def _places(advance: int) -> tuple[NDArray[np.int64], Audio]:
    """Where `_PIECE` frames are read that take `advance` frames of the source: whole frames, and the shares between."""
    position = np.arange(_PIECE) * (advance / _PIECE)
    whole = position.astype(np.int64)
    return whole, (position - whole).astype(np.float32)


def resampled(source: Audio, loop: tuple[int, int] | None, step: float, frames: int) -> Audio:
    """`frames` frames of `source` read every `step` of its frames by linear interpolation (it is oversampled, so that
    this costs no treble), its loop repeated as often as that takes; fewer frames where it ends before.

    `step` is rounded so that a piece is a whole number of frames: by less than a tenth of a cent."""
    advance = max(1, round(step * _PIECE))
    if loop is None:
        frames = max(0, min(frames, (len(source) - 1) * _PIECE // advance))
    whole, share = _places(advance)
    out = np.empty(frames, np.float32)
    for start in range(0, frames, _PIECE):
        piece, here = out[start : start + _PIECE], _from(source, loop, start // _PIECE * advance, advance + 2)
        places = whole[: len(piece)]
        np.take(here[1:], places, out=piece, mode="clip")
        first = np.take(here, places, mode="clip")
        piece -= first
        piece *= share[: len(piece)]
        piece += first
    return out


def _from(source: Audio, loop: tuple[int, int] | None, start: int, count: int) -> Audio:
    """`count` frames of a source from `start` on, going round its loop; fewer where it has none and ends before."""
    if loop is None or start + count <= loop[1]:
        return source[start : start + count]
    size = loop[1] - loop[0]
    at = start if start < loop[1] else loop[0] + (start - loop[0]) % size
    first = source[at : loop[1]]
    turns = -(-max(0, count - len(first)) // size)
    return np.concatenate([first, np.tile(source[loop[0] : loop[1]], turns)])[:count]


@dataclass(frozen=True)
class Voice:
    """One sounding part of a key: its layers from soft to loud, gains of left and right, envelope in frames."""

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
        gain * left,
        gain * right,
        int(_seconds(first[Gen.ATTACK_VOL_ENV]) * RATE),
        int(_seconds(first[Gen.RELEASE_VOL_ENV]) * RATE),
        first.get(Gen.EXCLUSIVE_CLASS, 0),
        first.get(Gen.SCALE_TUNING, 100) != 0,
    )


@dataclass(frozen=True)
class _Colour:
    """The channel strip that notes are kept with, and the tilt of the mix."""

    strip: Strip
    tilt: float


@dataclass(frozen=True)
class _Note:
    """One note as it is played: MIDI key and velocity, frames until its release, its strip (None: as in the bank)."""

    key: int
    velocity: int
    length: int
    colour: _Colour | None


class Shelf(Generic[_Place]):
    """What was made last, up to so many bytes: the least recently used goes first."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._held: OrderedDict[_Place, Audio] = OrderedDict()

    def get(self, place: _Place, make: Callable[[], Audio], frames: int = 0) -> Audio:
        """What is kept at a place, if it is at least so long; else what is made now, kept from now on."""
        held = self._held.get(place)
        if held is not None and len(held) >= frames:
            self._held.move_to_end(place)
            return held
        made = make()
        if held is not None:
            self._bytes -= self._held.pop(place).nbytes
        self._held[place] = made
        self._bytes += made.nbytes
        while self._bytes > self._most and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
        return made


class Sampler:
    """A loaded bank. Not thread-safe (it keeps what it resampled); one to a process."""

    def __init__(self, bank: Path) -> None:
        with bank.open("rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        programs, self._samples = parse(memoryview(self._file))
        self._programs = {(program.bank, program.program): program.zones for program in programs}
        self._voices: dict[tuple[str, int, int], tuple[Voice, ...]] = {}
        self._notes: Shelf[tuple[int, int, _Colour | None]] = Shelf(_KEEP_BYTES)
        self._doubles: Shelf[tuple[int, _Colour | None]] = Shelf(_KEEP_DOUBLE_BYTES)
        self._buffers = [np.zeros(0, np.float32), np.zeros(0, np.float32)]

    def voices(self, instrument: str, key: int, alternate: int = 0) -> tuple[Voice, ...]:
        """What sounds when `key` is played; empty for a drum key that the kit lacks. KeyError on unknown names."""
        found = self._voices.get((instrument, key, alternate))
        if found is None:
            preset = PRESETS[instrument]
            places: dict[int, list[Zone]] = {}
            for zone in self._programs[preset.bank + _ALTERNATE * alternate, preset.program]:
                if zone.keys[0] <= key <= zone.keys[1]:
                    places.setdefault(zone.generators[Gen.PAN], []).append(zone)
            found = tuple(_voice(zones) for zones in places.values())
            self._voices[instrument, key, alternate] = found
        return found

    def alternates(self, instrument: str) -> int:
        """How many presets of an instrument take turns: those of its table that the bank has."""
        preset, count = PRESETS[instrument], 1
        while count < preset.alternates and (preset.bank + _ALTERNATE * count, preset.program) in self._programs:
            count += 1
        return count

    def _source(self, number: int, key: int, frames: int, colour: _Colour | None) -> Audio:
        """At least `frames` frames of a sample at a key (0: as it is), or all of it; kept for the next note."""
        looped = self._samples[number].loop is not None
        place = (number, key, colour)
        return self._notes.get(place, lambda: self._pitched(number, key, frames, colour), frames if looped else 0)

    def _pitched(self, number: int, key: int, frames: int, colour: _Colour | None) -> Audio:
        sample = self._samples[number]
        if not key and sample.rate == RATE:
            return self._coloured(sample, colour)
        double = self._doubles.get((number, colour), lambda: oversampled(self._coloured(sample, colour), sample.loop))
        step = 2 * sample.rate / RATE * (2 ** ((key - sample.root) / 12) if key else 1.0)
        if sample.loop is None:
            return resampled(double, None, step, int(len(double) / step))
        start, end = sample.loop
        return resampled(double, (2 * start, 2 * end), step, -(-frames // _GRAIN) * _GRAIN)

    def _coloured(self, sample: Sample, colour: _Colour | None) -> Audio:
        """A sample as its channel strip leaves it. It is filtered before it is brought to a key, so that strips move
        with the few semitones between a sample and its keys."""
        pcm = sample.pcm * np.float32(1 / 32768)
        if colour is None:
            return pcm
        return filtered(pcm, sample.loop, sections(colour.strip, colour.tilt, sample.rate))

    def _blended(self, voice: Voice, note: _Note, frames: int, gain: float) -> Audio:
        """The voice of a note times `gain` in the scratch buffer: tone by velocity, level by velocity."""
        key, colour = note.key if voice.pitched else 0, note.colour
        level = gain * (note.velocity / 127) ** VELOCITY_POWER
        place = min(max((note.velocity - _BLEND[0]) / (_BLEND[1] - _BLEND[0]), 0.0), 1.0) * (len(voice.layers) - 1)
        upper = -(-place // 1)
        share = 1.0 - (upper - place)
        loud = self._source(voice.layers[int(upper)], key, frames, colour)[:frames]
        out = self._scratch(0, len(loud))
        np.multiply(loud, np.float32(share * level), out=out)
        if share < 1.0:
            soft = self._source(voice.layers[int(upper) - 1], key, frames, colour)[: len(loud)]
            other = self._scratch(1, len(soft))
            np.multiply(soft, np.float32((1 - share) * level), out=other)
            out = out[: len(soft)]
            out += other
        return out

    def _scratch(self, which: int, frames: int) -> Audio:
        if len(self._buffers[which]) < frames:
            self._buffers[which] = np.zeros(2 * frames, np.float32)
        return self._buffers[which][:frames]

    def render(self, instrument: str, notes: Notes, bpm: float, tilt: float | None = None) -> Audio:
        """One track, dry: (1, frames) for an instrument in the middle, else (2, frames), tails included.

        `notes` are in quarter notes of `bpm`. Without `tilt` it sounds as the bank does; with one (dB an octave) it has
        gone through its channel strip. Frames end with the last sound; no notes give no frames.
        Raises KeyError for an instrument that the bank lacks.
        """
        starts, lengths = note_frames(notes, bpm, PRESETS[instrument].is_drum)
        keys = notes.pitch.tolist()
        turns = turns_of(keys, self.alternates(instrument), PRESETS[instrument].is_drum)
        plan = [self.voices(instrument, key, turn) for key, turn in zip(keys, turns, strict=True)]
        colours = {key: None if tilt is None else _Colour(strip_of(instrument, key), tilt) for key in set(keys)}
        wide = any(voice.left != voice.right for voices in set(plan) for voice in voices)
        _choke(starts, lengths, plan)
        longest = max((voice.release for voices in set(plan) for voice in voices), default=0)
        ends = [start + length for start, length in zip(starts, lengths, strict=True)]
        out = np.zeros((2 if wide else 1, max(ends, default=0) + longest + 1), np.float32)
        last = 0
        played = zip(starts, lengths, keys, notes.velocity.tolist(), plan, strict=True)
        for start, length, key, velocity, voices in played:
            for voice in voices:
                note = _Note(key, velocity, length, colours[key])
                last = max(last, start + self._play(out[:, start:], voice, note))
        self._file.madvise(mmap.MADV_DONTNEED)  # what was read of the bank is the page cache's, not this process's
        return out[:, :last]

    def _play(self, out: Audio, voice: Voice, note: _Note) -> int:
        """Add one voice of a note to `out`; how many frames it sounded."""
        gains = (voice.left,) if len(out) == 1 else (voice.left, voice.right)
        heard = [(channel, gain) for channel, gain in enumerate(gains) if gain > 1e-6]
        current = heard[0][1]
        audio = self._blended(voice, note, note.length + voice.release, current)
        ramp = _attack(max(voice.attack, _LEAST_ATTACK))[: len(audio)]
        audio[: len(ramp)] *= ramp
        tail = audio[note.length :]
        tail *= release_curve(voice.release)[: len(tail)]
        for channel, gain in heard:
            if gain != current:
                audio *= np.float32(gain / current)
                current = gain
            out[channel, : len(audio)] += audio
        return len(audio)


def turns_of(keys: list[int], alternates: int, is_drum: bool) -> list[int]:
    """Which alternate every note of a track takes: drums in turn for each key, other notes in turn over the track, and
    never the one that the same key had before."""
    turn, before, out = 0, dict[int, int](), []
    for key in keys:
        if is_drum or before.get(key) == turn % alternates:
            turn = before.get(key, -1) + 1
        before[key] = turn % alternates
        out.append(before[key])
        turn += 1
    return out


@lru_cache(maxsize=64)
def _attack(frames: int) -> Audio:
    """A raised-cosine rise."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(frames) + 0.5) / frames)).astype(np.float32)


@lru_cache(maxsize=64)
def release_curve(frames: int) -> Audio:
    """An exponential fall of 35 dB that is bent to reach zero."""
    x = (np.arange(frames) + 1) / max(frames, 1)
    return (np.exp(-4 * x) * (1 - x) ** 0.5).astype(np.float32)


def note_frames(notes: Notes, bpm: float, is_drum: bool) -> tuple[list[int], list[int]]:
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
