"""The built-in generator: controls and a seed in, a mixed and measured-by-nobody float rendition out.

It composes, plays every track alone on the sampler, mixes, and returns stems, premaster, MIDI and what it knows of the
music. Its revision names the sound and the bank (`models.composer.revision`). It writes nothing but the bank's cache.
"""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from models.composer.bank.store import ensure_bank
from models.composer.revision import BANK_SHA256
from models.composer.score import Score, Track
from models.controls import SoundBank
from models.generator import Audio, Rendition, Request
from models.registry import CARDS

if TYPE_CHECKING:
    from models.composer.foreign_synth import ForeignSampler
    from models.composer.synth import Sampler

SAMPLE_RATE = 48000
_CARD = CARDS["composer"]


def instruction_sets() -> list[str]:
    """What numpy found this processor able to do and uses, sorted: it can change the last bit of a sum."""
    import numpy as np

    found = np.show_config(mode="dicts")["SIMD Extensions"]
    return sorted({*found.get("baseline", []), *found.get("found", [])})


def score_facts(score: Score) -> dict[str, object]:
    """What is known of a piece, in plain JSON: sections with their start in seconds, chords, tracks."""
    quarter = 60 / score.bpm
    bar = quarter * 4 * score.meter[0] / score.meter[1]
    return {
        **score.facts,
        "bpm": score.bpm,
        "meter": f"{score.meter[0]}/{score.meter[1]}",
        "key": score.key,
        "bars": score.bars,
        "space": score.desk.space,
        "sections": [
            {"name": part.name, "bar": part.bar, "bars": part.bars, "start_s": round(part.bar * bar, 6)}
            for part in score.sections
        ],
        "chords": [
            {"start_s": round(chord.onset * quarter, 6), "symbol": chord.symbol, "numeral": chord.numeral}
            for chord in score.chords
        ],
        "tracks": [
            {"name": track.name, "stem": track.stem, "instrument": track.instrument, "notes": len(track.notes.onset)}
            for track in score.tracks
        ],
    }


class Composer:
    """Implements `models.generator.Generator` without any download."""

    id = _CARD.id
    revision = _CARD.revision
    sample_rate = SAMPLE_RATE
    batch_size = _CARD.batch_size
    resources = _CARD.resources

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._bank: Path | None = None
        self._sampler: Sampler | None = None
        self._foreign: tuple[str, ForeignSampler] | None = None

    def setup(self) -> None:
        """Build or find the bank and open it. Raises OSError when the cache folder cannot be written."""
        from models.composer.synth import Sampler

        self._bank = ensure_bank(self._cache_dir)
        self._sampler = Sampler(self._bank)

    def generate(self, requests: Sequence[Request]) -> list[Rendition]:
        """One rendition for the one request. Raises ValueError for more than `batch_size`, before `setup`, and for a
        sound bank that is not in the cache folder."""
        if len(requests) > self.batch_size:
            raise ValueError(f"the composer takes {self.batch_size} request at a time, not {len(requests)}")
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Rendition:
        from models.composer.choose import choose

        score = choose(request.controls, request.seed, request.variation)
        return self.render(score, request.controls.duration, request.stems, request.controls.sound_bank)

    def play(self, score: Score, track: Track, bank: SoundBank | None = None) -> Audio:
        """One track alone, dry and through its channel strip: (1 or 2, frames) float32. ValueError before `setup`."""
        player = self._player(bank)
        return player.render(track.instrument, track.notes, score.bpm, score.desk.tilt)

    def _player(self, bank: SoundBank | None) -> "Sampler | ForeignSampler":
        """Who plays: the own bank, or the one that was ordered, looked for by its digest and held until another is."""
        from models.composer.foreign import find
        from models.composer.foreign_synth import ForeignSampler

        if self._sampler is None:
            raise ValueError("the composer has no bank yet: call setup() first")
        if bank is None:
            return self._sampler
        if self._foreign is None or self._foreign[0] != bank.sha256:
            self._foreign = bank.sha256, ForeignSampler(find(bank.sha256, self._cache_dir))
        return self._foreign[1]

    def render(self, score: Score, duration: float, stems: bool, bank: SoundBank | None = None) -> Rendition:
        """Play and mix a score that is already written; `duration` in seconds of the finished file."""
        from models.composer.midi import midi_bytes
        from models.composer.mixer import mix

        mixed = mix(score, lambda track: self.play(score, track, bank), int(round(duration * SAMPLE_RATE)))
        shown = mixed.stems if stems else {}
        facts = score_facts(score) | ({"sound_bank": asdict(bank)} if bank else {})
        return Rendition(SAMPLE_RATE, mixed.premaster, shown, score.loop, midi_bytes(score), facts)

    def profile(self) -> dict[str, object]:
        """How it computes: types, threads, versions, instruction sets, bank. After `setup`."""
        if self._bank is None:
            raise ValueError("the composer has no bank yet: call setup() first")
        digest = self._bank.stem.removeprefix("bank-")
        return {
            "dtype": "float32",
            "threads": self.resources.threads,
            "batch": self.batch_size,
            "machine": platform.machine(),
            "instruction_sets": instruction_sets(),
            "numpy": version("numpy"),
            "scipy": version("scipy"),
            "symusic": version("symusic"),
            "bank_sha256": digest,
            "bank_is_released": digest == BANK_SHA256,
        }

    def teardown(self) -> None:
        """Let go of the bank and of everything resampled from it."""
        self._sampler = None
        self._foreign = None
        self._bank = None


def create(cache_dir: Path) -> Composer:
    """The composer, its bank cached in `cache_dir`; nothing is built before `setup`."""
    return Composer(cache_dir)
