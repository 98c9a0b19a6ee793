"""A small SoundFont 2 writer and reader: our samples and zones in, the bytes of one file out, and back.

It writes what SoundFont 2.01 (Creative/E-mu, 1995) requires and nothing more: no modulators of its own (players then
apply the standard's default ones), no 24-bit extension, no ROM. Nothing is synthesised here, and no clock or machine
name goes into the file: the same sounds give the same bytes.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

GUARD = 46  # zero frames that the standard wants after every sample


class Gen(IntEnum):
    """The generators that the bank uses, by their numbers in the standard (section 8.1.2)."""

    PAN = 17
    ATTACK_VOL_ENV = 34
    HOLD_VOL_ENV = 35
    RELEASE_VOL_ENV = 38
    INSTRUMENT = 41
    KEY_RANGE = 43
    VEL_RANGE = 44
    INITIAL_ATTENUATION = 48
    SAMPLE_ID = 53
    SAMPLE_MODES = 54
    SCALE_TUNING = 56
    EXCLUSIVE_CLASS = 57


@dataclass(frozen=True)
class Sample:
    """One recording: int16 mono frames; `loop` is (first frame, frame after the last) or None for a one-shot."""

    name: str
    pcm: NDArray[np.int16]
    rate: int
    root: int
    loop: tuple[int, int] | None = None
    cents: int = 0  # correction of the sample's own pitch


@dataclass(frozen=True)
class Zone:
    """Where a sample sounds: inclusive key and velocity ranges, and generators in the standard's units."""

    sample: int
    keys: tuple[int, int] = (0, 127)
    velocities: tuple[int, int] = (1, 127)
    generators: dict[Gen, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """One preset of the file, with its own instrument."""

    name: str
    bank: int
    program: int
    zones: tuple[Zone, ...]


def timecents(seconds: float) -> int:
    """Seconds in the standard's logarithmic unit, 1200 to the factor of two."""
    return int(round(1200 * np.log2(max(seconds, 0.001))))


def _chunk(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack("<I", len(body)) + body + (b"\0" if len(body) % 2 else b"")


def _list(kind: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", kind + b"".join(chunks))


def _name(text: str) -> bytes:
    return text.encode("ascii")[:19].ljust(20, b"\0")


def _info(title: str) -> bytes:
    def text(tag: bytes, value: str) -> bytes:
        raw = value.encode("ascii") + b"\0"
        return _chunk(tag, raw + b"\0" * (len(raw) % 2))

    return _list(b"INFO", _chunk(b"ifil", struct.pack("<HH", 2, 1)), text(b"isng", "EMU8000"), text(b"INAM", title))


def _sample_data(samples: Sequence[Sample]) -> tuple[bytes, list[int]]:
    """The pool of all frames, and where each sample starts in it."""
    parts, starts, at = [], [], 0
    silence = np.zeros(GUARD, np.int16)
    for sample in samples:
        starts.append(at)
        parts += [sample.pcm, silence]
        at += len(sample.pcm) + GUARD
    return np.concatenate(parts).astype("<i2").tobytes(), starts


def _sample_headers(samples: Sequence[Sample], starts: Sequence[int]) -> bytes:
    out = []
    for sample, start in zip(samples, starts, strict=True):
        end = start + len(sample.pcm)
        first, last = sample.loop or (0, len(sample.pcm))
        where = (start, end, start + first, start + last, sample.rate, sample.root, sample.cents, 0, 1)
        out.append(_name(sample.name) + struct.pack("<IIIIIBbHH", *where))
    return b"".join(out) + _name("EOS") + struct.pack("<IIIIIBbHH", *([0] * 9))


def _generators(zone: Zone, looped: bool) -> bytes:
    """Ranges first and the sample last, as the standard demands."""
    out = struct.pack("<HBB", Gen.KEY_RANGE, *zone.keys) + struct.pack("<HBB", Gen.VEL_RANGE, *zone.velocities)
    for number, amount in sorted(zone.generators.items()):
        out += struct.pack("<Hh", number, amount)
    return out + struct.pack("<HHHH", Gen.SAMPLE_MODES, int(looped), Gen.SAMPLE_ID, zone.sample)


def _hydra(programs: Sequence[Program], samples: Sequence[Sample], starts: Sequence[int]) -> bytes:
    phdr, pbag, pgen, inst, ibag, igen = [], [], [], [], [], []
    bags, gens = 0, 0
    for number, program in enumerate(programs):
        phdr.append(_name(program.name) + struct.pack("<HHHIII", program.program, program.bank, number, 0, 0, 0))
        pbag.append(struct.pack("<HH", number, 0))
        pgen.append(struct.pack("<HH", Gen.INSTRUMENT, number))
        inst.append(_name(program.name) + struct.pack("<H", bags))
        for zone in program.zones:
            raw = _generators(zone, samples[zone.sample].loop is not None)
            ibag.append(struct.pack("<HH", gens, 0))
            igen.append(raw)
            bags, gens = bags + 1, gens + len(raw) // 4
    count = len(programs)
    phdr.append(_name("EOP") + struct.pack("<HHHIII", 0, 0, count, 0, 0, 0))
    pbag.append(struct.pack("<HH", count, 0))
    inst.append(_name("EOI") + struct.pack("<H", bags))
    ibag.append(struct.pack("<HH", gens, 0))
    end = b"\0" * 4  # terminal generator
    none = b"\0" * 10  # terminal modulator
    return _list(
        b"pdta",
        _chunk(b"phdr", b"".join(phdr)), _chunk(b"pbag", b"".join(pbag)), _chunk(b"pmod", none),
        _chunk(b"pgen", b"".join(pgen) + end), _chunk(b"inst", b"".join(inst)), _chunk(b"ibag", b"".join(ibag)),
        _chunk(b"imod", none), _chunk(b"igen", b"".join(igen) + end),
        _chunk(b"shdr", _sample_headers(samples, starts)),
    )


def soundfont(title: str, programs: Sequence[Program], samples: Sequence[Sample]) -> bytes:
    """The whole file. Programs are written in order of bank and number, samples in the order given."""
    ordered = sorted(programs, key=lambda program: (program.bank, program.program))
    pool, starts = _sample_data(samples)
    body = b"sfbk" + _info(title) + _list(b"sdta", _chunk(b"smpl", pool)) + _hydra(ordered, samples, starts)
    return _chunk(b"RIFF", body)


def _chunks(data: memoryview) -> dict[bytes, memoryview]:
    """The sub-chunks of one chunk body, lists by their kind."""
    out, at = {}, 0
    while at + 8 <= len(data):
        tag, size = bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if len(body) != size:
            raise ValueError(f"the sound font ends inside its chunk {tag!r}: {len(body)} of {size} bytes")
        if tag in (b"LIST", b"RIFF"):
            tag, body = bytes(body[:4]), body[4:]
        out[tag] = body
        at += 8 + size + size % 2
    return out


# The records of the standard (SoundFont 2.04, section 7).
PHDR = np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "<u4", 3)])
INST = np.dtype([("name", "S20"), ("bag", "<u2")])
BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
GEN = np.dtype([("number", "<u2"), ("amount", "<i2")])
SHDR = np.dtype(
    [("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"), ("rate", "<u4"),
     ("root", "u1"), ("cents", "i1"), ("link", "<u2"), ("kind", "<u2")]
)


def _zone(generators: NDArray[np.void]) -> Zone:
    """One instrument zone; ranges and sample are taken out of the generators."""
    amounts = {Gen(int(number)): int(amount) for number, amount in generators.tolist()}
    keys, velocities = amounts.pop(Gen.KEY_RANGE) & 0xFFFF, amounts.pop(Gen.VEL_RANGE) & 0xFFFF
    amounts.pop(Gen.SAMPLE_MODES)
    sample = amounts.pop(Gen.SAMPLE_ID)
    return Zone(sample, (keys & 255, keys >> 8), (velocities & 255, velocities >> 8), amounts)


def parse(data: bytes | memoryview) -> tuple[list[Program], list[Sample]]:
    """The inverse of `soundfont`, for files that it wrote: sample frames are views into `data`.

    Raises ValueError or KeyError where the file is not one of them.
    """
    top = _chunks(memoryview(data))
    chunks = _chunks(top[b"sfbk"])
    pool = np.frombuffer(_chunks(chunks[b"sdta"])[b"smpl"], "<i2")
    hydra = _chunks(chunks[b"pdta"])
    phdr, inst = np.frombuffer(hydra[b"phdr"], PHDR), np.frombuffer(hydra[b"inst"], INST)
    bags, gens = np.frombuffer(hydra[b"ibag"], BAG)["gen"], np.frombuffer(hydra[b"igen"], GEN)
    headers, samples = np.frombuffer(hydra[b"shdr"], SHDR)[:-1], []
    zones = [_zone(gens[first:last]) for first, last in zip(bags[:-1], bags[1:], strict=True)]
    looped = {int(gens[last - 1]["amount"]) for last in bags[1:] if gens[last - 2]["amount"] == 1}
    for number, head in enumerate(headers):
        start = int(head["start"])
        loop = (int(head["loop_start"]) - start, int(head["loop_end"]) - start) if number in looped else None
        pcm, cents = pool[start : int(head["end"])], int(head["cents"])
        samples.append(Sample(head["name"].decode(), pcm, int(head["rate"]), int(head["root"]), loop, cents))
    programs = [
        Program(head["name"].decode(), int(head["bank"]), int(head["program"]), tuple(zones[first:last]))
        for head, first, last in zip(phdr[:-1], inst["bag"][:-1], inst["bag"][1:], strict=True)
    ]
    return programs, samples
