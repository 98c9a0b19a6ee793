"""Plays the notes of a track on a sound bank of other people (`models.composer.foreign`), as the sampler does on ours.

Dry, float32, 48 kHz. A note sounds with every region of its preset that its key and velocity fall into: resampled,
through the region's low-pass and the instrument's channel strip, under its volume envelope. What is kept between notes
never changes what is played.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter

from models.composer.bank.presets import PRESETS
from models.composer.foreign import MOST_FRAMES, MOST_REGIONS, Region, envelope, opened
from models.composer.score import Notes
from models.composer.strips import Strip, sections, strip_of
from models.composer.synth import (
    RATE,
    VELOCITY_POWER,
    Shelf,
    equal_power,
    filtered,
    note_frames,
    oversampled,
    release_curve,
    resampled,
)

Audio = NDArray[np.float32]

_KEEP_BYTES, _KEEP_DOUBLE_BYTES, _KEEP_ENVELOPE_BYTES = 48 * 2**20, 64 * 2**20, 16 * 2**20
_GRAIN = 24000
_MOST_STEP = 64.0  # of a sample's own rate: six octaves up
_STAGE_GRAIN = 24000  # frames; envelopes are made in multiples of this


@dataclass(frozen=True)
class _Tone:
    """A sample and what it is filtered with: regions that agree in this share what is kept."""

    sample: tuple[int, int]
    loop: tuple[int, int] | None
    rate: int
    cutoff: float
    strip: Strip | None
    tilt: float


class ForeignSampler:
    """A bank of other people, loaded. Not thread-safe; one to a process."""

    def __init__(self, bank: Path) -> None:
        self._bank = opened(bank)
        self._notes: Shelf[tuple[_Tone, float]] = Shelf(_KEEP_BYTES)
        self._doubles: Shelf[_Tone] = Shelf(_KEEP_DOUBLE_BYTES)
        self._envelopes: Shelf[tuple[tuple[float, ...], float, int]] = Shelf(_KEEP_ENVELOPE_BYTES)

    def regions(self, instrument: str, key: int, velocity: int) -> list[Region]:
        """What sounds at a key and velocity, at most `MOST_REGIONS`; empty where the preset leaves a gap. KeyError."""
        preset = PRESETS[instrument]
        found = [
            region
            for region in self._bank.preset(preset.program, preset.is_drum)
            if region.keys[0] <= key <= region.keys[1] and region.velocities[0] <= velocity <= region.velocities[1]
        ]
        return found[:MOST_REGIONS]

    def render(self, instrument: str, notes: Notes, bpm: float, tilt: float | None = None) -> Audio:
        """One track, dry: (1, frames) where everything is in the middle, else (2, frames); see `Sampler.render`."""
        starts, lengths = note_frames(notes, bpm, PRESETS[instrument].is_drum)
        keys, velocities = notes.pitch.tolist(), notes.velocity.tolist()
        struck = list(zip(keys, velocities, strict=True))
        sounding = {touch: self.regions(instrument, *touch) for touch in dict.fromkeys(struck)}
        plan = [sounding[touch] for touch in struck]
        _choke(starts, lengths, plan)
        rings = [max((round(region.release * RATE) for region in regions), default=0) for regions in plan]
        frames = max((sum(ends) for ends in zip(starts, lengths, rings, strict=True)), default=0) + 1
        wide = any(region.pan for regions in plan for region in regions)
        out, last = np.zeros((2 if wide else 1, frames), np.float32), 0
        for place, regions in enumerate(plan):
            strip = None if tilt is None else strip_of(instrument, keys[place])
            for region in regions:
                audio = self._sounding(region, keys[place], lengths[place], (strip, tilt or 0.0))
                level = region.level * (velocities[place] / 127) ** VELOCITY_POWER
                gains = equal_power(region.pan) if wide else (1.0,)
                for channel, gain in zip(out, gains, strict=True):
                    channel[starts[place] : starts[place] + len(audio)] += audio * np.float32(gain * level)
                last = max(last, starts[place] + len(audio))
        return out[:, :last]

    def _sounding(self, region: Region, key: int, length: int, colour: tuple[Strip | None, float]) -> Audio:
        """A region at a key, held for `length` frames and released: under its envelope, at full level."""
        tone = _Tone(region.sample, region.loop, region.rate, region.cutoff, *colour)
        ring = round(region.release * RATE)
        audio = self._source(tone, region.cents(key), length + ring)[: length + ring]
        stages = (region.delay, region.attack, region.hold, region.decay)
        whole = -(-len(audio) // _STAGE_GRAIN) * _STAGE_GRAIN
        place = (stages, region.sustain, whole)
        shape = self._envelopes.get(place, lambda: envelope(*place))
        audio = audio * shape[: len(audio)]
        audio[length:] *= release_curve(max(ring, 1))[: max(0, len(audio) - length)]
        return audio

    def _source(self, tone: _Tone, cents: float, frames: int) -> Audio:
        """A tone brought to a pitch: at least `frames` frames, or all of it."""
        step = min(2 * tone.rate / RATE * 2 ** (cents / 1200), 2 * _MOST_STEP)
        loop = None if tone.loop is None else (2 * tone.loop[0], 2 * tone.loop[1])

        def pitched() -> Audio:
            double = self._doubles.get(tone, lambda: self._double(tone))
            whole = min(int(len(double) / step), MOST_FRAMES)
            return resampled(double, loop, step, whole if loop is None else -(-frames // _GRAIN) * _GRAIN)

        return self._notes.get((tone, step), pitched, 0 if loop is None else frames)

    def _double(self, tone: _Tone) -> Audio:
        pcm = self._bank.frames[tone.sample[0] : tone.sample[1]] * np.float32(1 / 32768)
        chain = [sections(tone.strip, tone.tilt, tone.rate)] if tone.strip is not None else []
        if 0 < tone.cutoff < 0.45 * tone.rate:
            chain.append(butter(2, tone.cutoff, fs=tone.rate, output="sos"))
        return oversampled(filtered(pcm, tone.loop, np.concatenate(chain)) if chain else pcm, tone.loop)


def _choke(starts: list[int], lengths: list[int], plan: list[list[Region]]) -> None:
    """End every note of an exclusive class where the next one of its class begins."""
    following: dict[int, int] = {}
    for place in range(len(starts) - 1, -1, -1):
        choke = plan[place][0].choke if plan[place] else 0
        if choke:
            if following.get(choke, 0) > starts[place]:
                lengths[place] = min(lengths[place], following[choke] - starts[place])
            following[choke] = starts[place]
