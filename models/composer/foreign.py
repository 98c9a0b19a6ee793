"""Sound banks of other people: reading any SoundFont 2 file, however hostile, and playing scores on it.

What is read is checked before it is used: sizes, indices and places within the file, and how much of it a note may
ask for. What is played: presets and instruments with their global zones, key and velocity ranges, tuning, loops,
volume envelopes, pan, attenuation, low-pass, exclusive classes. Modulators, LFOs and modulation envelopes are left
out, and so are compressed banks (SF3). Nothing is written but the copy that `keep` makes.
"""

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import kept
from models.composer.bank.sf2 import BAG, GEN, INST, PHDR, SHDR
from models.kept import Shelf

RATE = 48000
MOST_BYTES = 2 << 30
MOST_FRAMES = 1 << 23  # of one sample, and of one note made of it: three minutes
MOST_ZONES = 200_000  # of all presets, an instrument counted wherever it is used
MOST_REGIONS = 12  # that sound at one note
MOST_PRESET = 8192  # regions of one preset
MOST_GENERATORS = 256  # of one zone: there are sixty kinds
MOST_RELEASE_S, MOST_STAGE_S = 6.0, 60.0
FOLDER = "sound-banks"
DRUMS = 128

_TABLES = {b"phdr": PHDR, b"pbag": BAG, b"pgen": GEN, b"inst": INST, b"ibag": BAG, b"igen": GEN, b"shdr": SHDR}
_START, _END, _LOOP_START, _LOOP_END, _START_COARSE = 0, 1, 2, 3, 4
_CUTOFF, _END_COARSE, _PAN = 8, 12, 17
_DELAY, _ATTACK, _HOLD, _DECAY, _SUSTAIN, _RELEASE = 33, 34, 35, 36, 37, 38
_INSTRUMENT, _KEYS, _VELOCITIES, _LOOP_START_COARSE, _ATTENUATION, _LOOP_END_COARSE = 41, 43, 44, 45, 48, 50
_COARSE, _FINE, _SAMPLE, _MODES, _SCALE, _CLASS, _ROOT = 51, 52, 53, 54, 56, 57, 58
_ONLY_INSTRUMENT = {_START, _END, _LOOP_START, _LOOP_END, _START_COARSE, _END_COARSE, _LOOP_START_COARSE,
                    _LOOP_END_COARSE, _SAMPLE, _MODES, _CLASS, _ROOT}  # fmt: skip
_DEFAULTS = {_CUTOFF: 13500, _SCALE: 100, _ROOT: -1} | dict.fromkeys((_DELAY, _ATTACK, _HOLD, _DECAY, _RELEASE), -12000)
_ROM, _COMPRESSED = 0x8000, 0x10
_HEARD = 0.4  # of an attenuation: what the EMU hardware did, for which banks are made

Generators = dict[int, int]


class BankError(ValueError):
    """A file that is no sound bank which can be played; says why in a sentence."""


@dataclass(frozen=True)
class Region:
    """One sample as it sounds for some keys and velocities. `sample` is (start, end) in the pool of frames and `loop`
    (start, end) within it, or None; `tuning` in cents, `root` a key, `scale` cents a key; `level` an amplitude; stages
    in seconds, `sustain` an amplitude; `cutoff` in Hz, 0 for none; `choke` an exclusive class, 0 for none."""

    keys: tuple[int, int]
    velocities: tuple[int, int]
    sample: tuple[int, int]
    loop: tuple[int, int] | None
    rate: int
    root: int
    tuning: float
    scale: int
    pan: float
    level: float
    delay: float
    attack: float
    hold: float
    decay: float
    sustain: float
    release: float
    cutoff: float
    choke: int

    def cents(self, key: int) -> float:
        """How far a key is from the sample as it was recorded."""
        return (key - self.root) * self.scale + self.tuning


@dataclass(frozen=True)
class Bank:
    """`frames` is the pool of all samples, int16; `presets` the regions by (bank, program)."""

    frames: NDArray[np.int16]
    presets: dict[tuple[int, int], tuple[Region, ...]]

    def preset(self, program: int, is_drum: bool) -> tuple[Region, ...]:
        """The preset of a General MIDI program, or of a drum kit, or what comes nearest in the file."""
        row = (program // 8) * 8
        wanted = (
            [(DRUMS, program), (DRUMS, 0)] if is_drum else [(0, program), *((0, row + n) for n in range(8)), (0, 0)]
        )
        rest = (place for place in self.presets if (place[0] == DRUMS) == is_drum)
        found = next((place for place in wanted if place in self.presets), None)
        return self.presets[next(rest) if found is None else found]


def checked(path: Path) -> str:
    """The SHA-256 of a sound bank that can be played. Raises BankError, saying what is wrong with it, and OSError."""
    digest = digest_of(path)
    opened(path)
    return digest


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal. Raises OSError, and BankError for what is no file or too long."""
    if not path.is_file():
        raise BankError(f"{path} is no file; name a SoundFont (.sf2)")
    if path.stat().st_size > MOST_BYTES:
        raise BankError(f"{path} has {path.stat().st_size} bytes, more than {MOST_BYTES}; use a smaller sound bank")
    return kept.digest_of(path)


_SHELF = Shelf(FOLDER, "sound bank", BankError, ".sf2")
place_of, keep, find = _SHELF.place_of, _SHELF.keep, _SHELF.find


def opened(path: Path) -> Bank:
    """A bank whose frames stay in the file. Raises BankError where it is not a SoundFont that can be played."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < 12:
            raise BankError(f"{path.name} is too short for a SoundFont; name a .sf2 file")
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        return read(data)
    except BankError as error:
        raise BankError(f"{path.name} cannot be played: {error}") from None


def read(data: memoryview) -> Bank:
    """A bank from the bytes of its file. Raises BankError."""
    if bytes(data[:4]) != b"RIFF" or bytes(data[8:12]) != b"sfbk":
        raise BankError("it is not a SoundFont 2 file")
    parts = dict(_lists(data[12:]))
    if b"sdta" not in parts or b"pdta" not in parts:
        raise BankError("it has no samples or no presets")
    pool = dict(_chunks(parts[b"sdta"])).get(b"smpl", memoryview(b""))
    frames = np.frombuffer(pool[: len(pool) // 2 * 2], "<i2")
    tables = _tables(dict(_chunks(parts[b"pdta"])))
    presets = dict(_presets(tables, len(frames)))
    drums = [place for place in presets if place[0] == DRUMS]
    if not drums or len(drums) == len(presets):
        raise BankError("it lacks melodic presets or a drum kit (bank 128); use a General MIDI bank")
    return Bank(frames, presets)


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(data):
        tag, size = bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if len(body) != size:
            raise BankError(f"it ends inside its part {tag!r}")
        yield tag, body
        at += 8 + size + size % 2


def _lists(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    for tag, body in _chunks(data):
        if tag == b"LIST":
            yield bytes(body[:4]), body[4:]


def _tables(chunks: dict[bytes, memoryview]) -> dict[bytes, NDArray[np.void]]:
    """The nine tables that matter, every reference from one into another checked to be in order and within it."""
    out = {}
    for tag, row in _TABLES.items():
        body = chunks.get(tag, memoryview(b""))
        if len(body) % row.itemsize or len(body) < row.itemsize:
            raise BankError(f"its table {tag.decode()} is empty or cut off")
        out[tag] = np.frombuffer(body, row)
    for holder, field, held in (
        (b"phdr", "bag", b"pbag"), (b"inst", "bag", b"ibag"), (b"pbag", "gen", b"pgen"), (b"ibag", "gen", b"igen"),
    ):  # fmt: skip
        places = out[holder][field].astype(np.int64)
        if (np.diff(places) < 0).any() or int(places[-1]) > len(out[held]) - (held in (b"pbag", b"ibag")):
            raise BankError(f"its table {holder.decode()} points out of {held.decode()}")
    return out


def _zones(tables: dict[bytes, NDArray[np.void]], side: str, first: int, last: int) -> Iterator[Generators]:
    """The zones between two bags, the global one (if there is one) laid under each of the others."""
    bags, gens = tables[f"{side}bag".encode()]["gen"], tables[f"{side}gen".encode()]
    target = _INSTRUMENT if side == "p" else _SAMPLE
    common: Generators = {}
    for bag in range(first, last):
        first_gen, after = int(bags[bag]), int(bags[bag + 1])
        if after - first_gen > MOST_GENERATORS:
            raise BankError(f"a zone of it has {after - first_gen} generators, more than {MOST_GENERATORS}")
        zone = {int(number): int(amount) for number, amount in gens[first_gen:after].tolist()}
        if target in zone:
            yield {**common, **zone}
        elif bag == first:
            common = zone


def _presets(tables: dict[bytes, NDArray[np.void]], pool: int) -> Iterator[tuple[tuple[int, int], tuple[Region, ...]]]:
    heads, seen = tables[b"phdr"], 0
    for head, following in zip(heads[:-1], heads[1:], strict=True):
        regions: list[Region] = []
        for over in _zones(tables, "p", int(head["bag"]), int(following["bag"])):
            first, last = _bags_of(tables, over[_INSTRUMENT] & 0xFFFF)
            seen += last - first + 1
            if seen > MOST_ZONES:
                raise BankError(f"its presets have more than {MOST_ZONES} zones")
            regions += _regions(tables, over, (first, last), pool)
            if len(regions) > MOST_PRESET:
                raise BankError(f"a preset of it has more than {MOST_PRESET} regions")
        if regions:
            yield (int(head["bank"]), int(head["program"])), tuple(regions)


def _bags_of(tables: dict[bytes, NDArray[np.void]], instrument: int) -> tuple[int, int]:
    bags = tables[b"inst"]["bag"]
    if instrument >= len(bags) - 1:
        raise BankError(f"a preset of it names instrument {instrument}, of {len(bags) - 1}")
    return int(bags[instrument]), int(bags[instrument + 1])


def _regions(
    tables: dict[bytes, NDArray[np.void]], over: Generators, bags: tuple[int, int], pool: int
) -> Iterator[Region]:
    """The regions of the instrument that a preset zone names, the preset's own values added."""
    for zone in _zones(tables, "i", *bags):
        sample = zone[_SAMPLE] & 0xFFFF
        if sample >= len(tables[b"shdr"]) - 1:
            raise BankError(f"an instrument of it names sample {sample}, of {len(tables[b'shdr']) - 1}")
        found = _region(zone, over, tables[b"shdr"][sample], pool)
        if found is not None:
            yield found


def _range(zone: Generators, number: int) -> tuple[int, int]:
    amount = zone.get(number, 127 << 8) & 0xFFFF
    return amount & 255, amount >> 8


def _seconds(timecents: int, most: float) -> float:
    """0 for the shortest there are."""
    return 0.0 if timecents <= -11950 else min(float(2 ** (min(timecents, 8000) / 1200)), most)


def _region(zone: Generators, over: Generators, head: np.void, pool: int) -> Region | None:
    """One region, or None where it cannot sound: no keys in common, no frames, a sample in a synthesizer's ROM."""
    if int(head["kind"]) & _COMPRESSED:
        raise BankError("its samples are compressed (SF3); use the .sf2 file")
    keys, velocities = (
        (max(a[0], b[0]), min(a[1], b[1], 127))
        for a, b in ((_range(zone, n), _range(over, n)) for n in (_KEYS, _VELOCITIES))
    )
    where = _frames_of(zone, head, pool)
    rate = int(head["rate"])
    if int(head["kind"]) & _ROM or keys[0] > keys[1] or velocities[0] > velocities[1] or where is None:
        return None
    if not 400 <= rate <= 200_000:
        raise BankError(f"a sample of it has a rate of {rate} Hz")

    def total(number: int) -> int:
        own = zone.get(number, _DEFAULTS.get(number, 0))
        return own if number in _ONLY_INSTRUMENT else own + over.get(number, 0)

    root = total(_ROOT) if 0 <= total(_ROOT) <= 127 else min(int(head["root"]), 127)
    cutoff = 8.176 * 2 ** (total(_CUTOFF) / 1200) if total(_CUTOFF) < 13400 else 0.0
    delay, attack, hold, decay = (_seconds(total(stage), MOST_STAGE_S) for stage in (_DELAY, _ATTACK, _HOLD, _DECAY))
    return Region(
        keys=keys,
        velocities=velocities,
        sample=where[0],
        loop=where[1],
        rate=rate,
        root=root,
        tuning=max(-12700.0, min(12700.0, 100.0 * total(_COARSE) + total(_FINE) + int(head["cents"]))),
        scale=max(0, min(1200, total(_SCALE))),
        pan=max(-1.0, min(1.0, total(_PAN) / 500)),
        level=10 ** (-_HEARD * _centibels(total(_ATTENUATION)) / 200),
        delay=delay,
        attack=attack,
        hold=hold,
        decay=decay,
        sustain=10 ** (-_centibels(total(_SUSTAIN)) / 200),
        release=_seconds(total(_RELEASE), MOST_RELEASE_S),
        cutoff=0.0 if cutoff > 20_000 else max(cutoff, 60.0) if cutoff else 0.0,
        choke=max(0, total(_CLASS)),
    )


def _centibels(amount: int) -> int:
    return max(0, min(1440, amount))


def _frames_of(zone: Generators, head: np.void, pool: int) -> tuple[tuple[int, int], tuple[int, int] | None] | None:
    """(start, end) in the pool and the loop within it; None where there are no frames."""

    def at(field: str, fine: int, coarse: int) -> int:
        return int(head[field]) + zone.get(fine, 0) + 32768 * zone.get(coarse, 0)

    start, end = at("start", _START, _START_COARSE), at("end", _END, _END_COARSE)
    if not 0 <= start < end <= pool or end - start < 8:
        return None
    if end - start > MOST_FRAMES:
        raise BankError(f"a sample of it has {end - start} frames, more than {MOST_FRAMES}")
    loop = (
        at("loop_start", _LOOP_START, _LOOP_START_COARSE) - start,
        at("loop_end", _LOOP_END, _LOOP_END_COARSE) - start,
    )
    looped = zone.get(_MODES, 0) & 1 and loop[0] >= 0 and loop[1] - loop[0] >= 8 and loop[1] <= end - start
    return (start, end), loop if looped else None


def envelope(stages: tuple[float, ...], sustain: float, frames: int) -> NDArray[np.float32]:
    """The volume envelope of a held note for `frames` frames: delay, attack, hold, and decay by 100 dB in its time."""
    delay, attack, hold, decay = (round(seconds * RATE) for seconds in stages)
    out = np.zeros(delay + max(attack, 24) + hold, np.float32)
    rise = max(attack, 24)
    out[delay : delay + rise] = (np.arange(rise) + 0.5) / rise
    out[delay + rise :] = 1.0
    rest = max(0, frames - len(out))
    fall = np.full(rest, sustain) if not decay else 10 ** (-5 * (np.arange(rest) + 1) / decay)
    return np.concatenate([out, np.maximum(fall, sustain).astype(np.float32)])[:frames]
