"""What all instruments of the bank are made of: partials, noise, envelopes, filters, and tones that loop exactly.

Everything is float64 and depends on its arguments alone: random phases and noise come from a generator that is seeded
by a name. Sustained tones loop without a seam because they are built periodic, not because a seam was hidden: the
fundamental is moved by some hundredths of a cent so that a whole number of periods fits the loop, and vibrato, slow
changes and breath noise repeat with it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.signal import butter, sosfilt

Signal = NDArray[np.float64]

RATE = 32000  # of pitched sounds: their content ends below 14 kHz
DARK_RATE = 24000  # of sounds that end below 10 kHz
SOFT_RATE = 16000  # of soft layers that end below 6 kHz
DRUM_RATE = 48000
_BLOCK = 256


@dataclass(frozen=True)
class Recording:
    """One sample of an instrument before quantising: `layer` 0 soft, 1 loud, None for all; `pan` -1 left .. 1 right."""

    root: int
    pcm: Signal
    rate: int = RATE
    loop: tuple[int, int] | None = None
    layer: int | None = None
    pan: float = 0.0
    choke: int = 0  # exclusive class of drums
    level_db: float = 0.0  # loudness against pitched notes, for drums
    take: int | None = None  # which of the alternating presets it belongs to; None: all


@dataclass(frozen=True)
class Patch:
    """An instrument: its recordings, and the envelope that a player gives them (seconds)."""

    recordings: tuple[Recording, ...]
    attack: float = 0.002
    release: float = 0.15


def seeded(name: str) -> np.random.Generator:
    """A generator of random numbers that is always the same for one name."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")))


def hz(key: float) -> float:
    """Equal temperament, A4 = 440 Hz = MIDI 69."""
    return float(440.0 * 2.0 ** ((key - 69) / 12))


def times(seconds: float, rate: int = RATE) -> Signal:
    """The instants of all frames."""
    return np.arange(int(round(seconds * rate))) / rate


def partials(freqs: Signal, amps: Signal, decays: Signal, phases: Signal, seconds: float, rate: int = RATE) -> Signal:
    """The sum of exponentially decaying sinusoids: Hz, amplitude, time constant in seconds, radians.

    Each sinusoid is a coarse times a fine complex exponential, so that the sum of all is one matrix product. `einsum`
    sums in the same order on every processor, where a linear algebra library chooses a kernel by processor.
    """
    frames = int(round(seconds * rate))
    audible = freqs < 0.46 * rate
    poles = (-1 / decays[audible] + 2j * np.pi * freqs[audible]) / rate
    weights = amps[audible] * np.exp(1j * phases[audible])
    coarse = np.exp(np.outer(np.arange(-(-frames // _BLOCK)) * _BLOCK, poles)) * weights
    fine = np.exp(np.outer(poles, np.arange(_BLOCK)))
    left = np.concatenate([coarse.real, coarse.imag], axis=1)
    right = np.concatenate([fine.imag, fine.real])
    return np.einsum("bp,pf->bf", left, right, optimize=False).ravel()[:frames]


def _bins(frames: int, rate: int) -> Signal:
    return np.asarray(np.fft.rfftfreq(frames, 1 / rate), np.float64)


def shaped_noise(frames: int, rng: np.random.Generator, gain: Callable[[Signal], Signal], rate: int = RATE) -> Signal:
    """Gaussian noise with the given amplitude over frequency (Hz), unit RMS, periodic in `frames`."""
    spectrum = np.fft.rfft(rng.standard_normal(frames)) * gain(_bins(frames, rate))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, frames)
    return noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12)


def burst_noise(
    frames: int, rng: np.random.Generator, gain: Callable[[Signal], Signal], rate: int = RATE
) -> Signal:
    """As `shaped_noise`, for sounds that do not repeat: any length is quick."""
    return shaped_noise(next_fast_len(frames, real=True), rng, gain, rate)[:frames]


def band(low: float, high: float, order: int = 4) -> Callable[[Signal], Signal]:
    """The amplitude response of a band-pass with Butterworth-like skirts; 0 or infinity leaves a side open."""

    def gain(freqs: Signal) -> Signal:
        out = np.ones_like(freqs)
        if low > 0:
            out = out / np.sqrt(1 + (low / np.maximum(freqs, 1e-3)) ** (2 * order))
        if np.isfinite(high):
            out = out / np.sqrt(1 + (freqs / high) ** (2 * order))
        return out

    return gain


def filtered(signal: Signal, gain: Callable[[Signal], Signal], rate: int = RATE) -> Signal:
    """Zero-phase filtering of a whole sound by an amplitude response; the sound is padded, so nothing wraps."""
    size = next_fast_len(len(signal) + rate // 4, real=True)
    return np.fft.irfft(np.fft.rfft(signal, size) * gain(_bins(size, rate)), size)[: len(signal)]


def shaped(loop: Signal, gain: Callable[[Signal], Signal], rate: int = RATE) -> Signal:
    """Zero-phase filtering of a whole loop: what leaves its end comes in at its start."""
    return np.fft.irfft(np.fft.rfft(loop) * gain(_bins(len(loop), rate)), len(loop))


def steady(signal: Signal, rate: int = RATE) -> Signal:
    """The sound without DC and rumble: decaying sinusoids do not add up to zero by themselves."""
    return np.asarray(sosfilt(butter(2, 24, "highpass", fs=rate, output="sos"), signal))


def faded(signal: Signal, fade_in: float, fade_out: float, rate: int = RATE) -> Signal:
    """Raised-cosine ends (seconds), so that nothing clicks."""
    out = signal.copy()
    for seconds, reverse in ((fade_in, False), (fade_out, True)):
        count = min(int(seconds * rate), len(out))
        if count:
            ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)
            view = out[-count:][::-1] if reverse else out[:count]
            view *= ramp
    return out


def formants(peaks: tuple[tuple[float, float, float], ...], tilt: float = 0.0) -> Callable[[Signal], Signal]:
    """A spectral envelope: resonances (centre Hz, gain dB, width in octaves) over a tilt in dB an octave above 500."""

    def gain(freqs: Signal) -> Signal:
        octaves = np.log2(np.maximum(freqs, 20.0) / 500.0)
        level = tilt * np.maximum(octaves, 0)
        for centre, peak, width in peaks:
            level = level + peak * np.exp(-0.5 * ((octaves - np.log2(centre / 500.0)) / width) ** 2)
        return 10.0 ** (level / 20)

    return gain


def body(name: str, low: float, high: float, count: int, depth: float, width: float = 0.06) -> Callable[
    [Signal], Signal
]:
    """The narrow resonances of a wooden box: `count` of them between two frequencies, up to `depth` dB up or down and
    about `width` octaves wide. Vibrato through them gives every harmonic a swell of its own, which is most of what
    makes a bowed string alive (Mathews and Kohut, 1973)."""
    rng = seeded(name + "/body")
    centres = np.log2(low) + np.sort(rng.uniform(0, 1, count)) * np.log2(high / low)
    peaks, widths = rng.uniform(-depth, depth, count), width * rng.uniform(0.6, 1.6, count)
    octaves = np.linspace(np.log2(20.0), np.log2(24000.0), 2048)
    level = np.sum(peaks * np.exp(-0.5 * ((octaves[:, None] - centres) / widths) ** 2), axis=1)

    def gain(freqs: Signal) -> Signal:
        return np.asarray(10.0 ** (np.interp(np.log2(np.maximum(freqs, 20.0)), octaves, level) / 20))

    return gain


@dataclass(frozen=True)
class Vibrato:
    """`cents` peak, `rate` Hz, whole cycles in a loop, and how much loudness follows it (0..1)."""

    cents: float = 0.0
    rate: float = 5.4
    cycles: int = 5
    tremolo: float = 0.0


STEADY = Vibrato()


@dataclass(frozen=True)
class Held:
    """A sustained tone: `prefix` seconds before its loop. `strength(k, t)` is the amplitude of harmonic k (from 1)
    over the control times t (seconds, `t` past the prefix lies in the loop and must not change there)."""

    prefix: float
    strength: Callable[[int, Signal], Signal]
    harmonics: int
    vibrato: Vibrato = STEADY
    shimmer: float = 0.05  # slow independent changes of every harmonic
    noise: Callable[[Signal], Signal] | None = None
    noise_level: float = 0.0
    scoop: float = 0.0  # cents that the attack starts below
    box: Callable[[Signal], Signal] | None = None  # resonances that the moving harmonics pass through
    coherent: bool = False  # cosines of phase 0, for waves whose shape counts


def whole_periods(frequency: float, seconds: float, rate: int) -> tuple[int, float]:
    """Frames of a loop of about `seconds` that holds whole periods, and the frequency that makes it exact."""
    periods = max(1, round(frequency * seconds))
    frames = int(round(periods * rate / frequency))
    return frames, periods * rate / frames


def quick_loop(frequency: float, seconds: float, rate: int) -> int:
    """Frames of a loop of about `seconds` whose transform is quick and whose periods fit within 3 cents."""
    periods = np.arange(max(1, round(0.85 * frequency * seconds)), round(1.15 * frequency * seconds) + 1)
    exact = periods * rate / frequency
    quick = np.array([next_fast_len(int(frames), real=True) for frames in exact])
    return int(quick[np.argmin(np.abs(quick / exact - 1))])


def held(key: float, spec: Held, rng: np.random.Generator, rate: int = RATE) -> tuple[Signal, tuple[int, int]]:
    """Render a sustained tone: frames and its loop.

    Eight frames past the loop's end are kept for interpolating players."""
    vibrato = spec.vibrato
    length, frequency = whole_periods(hz(key), vibrato.cycles / vibrato.rate, rate)
    start = int(spec.prefix * rate)
    index = np.arange(start + length + 8)
    turn = 2 * np.pi * ((index - start) % length) / length
    rise = np.clip((index / rate - 0.12) / max(spec.prefix - 0.12, 1e-3), 0, 1) ** 2
    swing = rise * np.sin(vibrato.cycles * turn)
    deviation = vibrato.cents / 1200 * np.log(2) * swing
    deviation -= spec.scoop / 1200 * np.log(2) * np.exp(-index / rate / 0.035) * (index < start)
    step = 2 * np.pi * frequency / rate * (1 + deviation)
    phase = np.concatenate([[0.0], np.cumsum(step)[:-1]])
    loop_drift = phase[start + length] - phase[start] - 2 * np.pi * round(frequency * length / rate)
    phase -= loop_drift * np.clip((index - start) / length, 0, None)
    tone = _harmonics(phase, (start, start + length), spec, rng, frequency * (1 + deviation), rate)
    tone *= 1 + vibrato.tremolo * swing
    if spec.noise is not None and spec.noise_level:
        breath = shaped_noise(length, rng, spec.noise, rate)[(index - start) % length]
        tone += spec.noise_level * breath * _rms(tone[start:])
    return tone, (start, start + length)


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(signal**2)))


def _harmonics(
    phase: Signal, loop: tuple[int, int], spec: Held, rng: np.random.Generator, pitch: Signal, rate: int
) -> Signal:
    """All harmonics below the band's edge, by powers of one complex oscillator.

    `pitch` is the frequency in Hz at every frame. Levels move every 64 frames or so: the marks fit the loop exactly,
    so that they repeat with it."""
    start, end = loop
    frequency = float(pitch[start])
    gap = (end - start) / max(1, round((end - start) / 64))
    before = int(np.ceil(start / gap))
    marks = start + (np.arange(before + round((end - start) / gap) + 2) - before) * gap
    marks[marks > end + 1e-6] -= end - start
    grid, turns = np.clip(marks / rate, 0, spec.prefix), 2 * np.pi * (marks - start) / (end - start)
    moving = np.interp(marks, np.arange(len(pitch)), pitch)
    position = (np.arange(len(phase)) - start) / gap + before
    place = position.astype(np.int64)
    share = position - place
    base = np.exp(1j * phase)
    power = np.ones_like(base)
    out = np.zeros(len(phase))
    for k in range(1, spec.harmonics + 1):
        offset, wander, phi = rng.uniform(0, 2 * np.pi), rng.integers(1, 4), rng.uniform(0, 2 * np.pi)
        if k * frequency > min(0.43 * rate, max(9000.0, 12 * frequency)):
            break
        power *= base
        points = spec.strength(k, grid) * (1 + spec.shimmer * np.sin(wander * turns + phi))
        if spec.box is not None:
            points = points * spec.box(k * moving)
        if spec.coherent:
            offset = np.pi / 2
        level = points[place] + share * (points[place + 1] - points[place])
        out += level * (np.cos(offset) * power.imag + np.sin(offset) * power.real)
    return out


def ensemble(
    key: float, strength: Callable[[int], float], cents: float, frames: int, rng: np.random.Generator, rate: int = RATE
) -> Signal:
    """A section of players as one exact loop of `frames`: every harmonic is a narrow band of sines of random phase.

    The method is PADsynth (N. O. Paul, 2004, public domain). `cents` is the spread of one harmonic; it grows with
    frequency, as detuned and independently vibrating players do. `frames` should hold whole periods (`quick_loop`), so
    that the middle of every band is a bin and narrow bands stay in tune.
    """
    spectrum = np.zeros(frames // 2 + 1)
    phases = rng.uniform(0, 2 * np.pi, frames // 2 + 1)
    f0 = hz(key)
    for k in range(1, int(0.43 * rate / f0) + 1):
        width = (2 ** (cents / 1200) - 1) * k**0.9 * f0 * frames / rate
        centre = k * f0 * frames / rate
        lo, hi = int(max(centre - 5 * width - 1, 1)), int(min(centre + 5 * width + 2, len(spectrum)))
        bins = np.arange(lo, hi)
        bell = np.exp(-0.5 * ((bins - centre) / max(width, 0.4)) ** 2)
        spectrum[lo:hi] += strength(k) * bell / np.sqrt(np.sum(bell**2))
    return np.fft.irfft(spectrum * np.exp(1j * phases), frames) * frames


def stack(
    key: float, cents: tuple[float, ...], strength: Callable[[Signal], Signal], frames: int, name: str, rate: int = RATE
) -> Signal:
    """Several voices of one note, `cents` apart, as one exact loop: every voice has whole periods in `frames`.

    `strength` gives the amplitude of the harmonics k (from 1, an array); negative ones turn the wave. All harmonics of
    a voice start together at a random place of its period, so that a saw is a saw."""
    rng, spectrum = seeded(name), np.zeros(frames // 2 + 1, np.complex128)
    middle = round(hz(key) * frames / rate)
    for offset in cents:
        periods = max(1, middle + round(middle * (2 ** (offset / 1200) - 1)))
        k = np.arange(1, int(0.43 * frames / periods) + 1)
        turn = rng.uniform(0, 1) if len(cents) > 1 else 0.0
        spectrum[k * periods] += strength(k.astype(np.float64)) * np.exp(2j * np.pi * (k * turn % 1.0))
    return np.fft.irfft(spectrum, frames) * frames / 2


def evolving(
    states: tuple[tuple[float, Signal], ...], after: int = 36, rate: int = RATE
) -> tuple[Signal, tuple[int, int]]:
    """A sound that fades from loop to loop of one length, reaching each at its time in seconds, and stays in the last.

    The loops hold the same partials at other strengths, so that a filter seems to move. Frames, and the loop."""
    start, frames = int(round(states[-1][0] * rate)), len(states[-1][1])
    index = np.arange(start + frames + after)
    at, times_s = (index - start) % frames, np.array([seconds for seconds, _ in states])
    place, out = np.minimum(index / rate, times_s[-1]), np.zeros(len(index))
    for number, (_, loop) in enumerate(states):
        weight = np.interp(place, times_s, np.eye(len(states))[number])
        out += weight * loop[at]
    return out, (start, start + frames)


def moving(first: Signal, second: Signal, cycles: int = 1) -> Signal:
    """A loop that turns into another of the same partials and back, `cycles` times."""
    share = 0.5 - 0.5 * np.cos(2 * np.pi * cycles * np.arange(len(first)) / len(first))
    return first + share * (second - first)
