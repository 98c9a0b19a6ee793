"""How well listeners hear, and how fast: `python -m tests.benchmarks.listen [--takes N]`.

Takes of the composer in every genre, whose tempo and key are known, are heard blind. Told are the processor's seconds a
take on one core (first call apart), the shares of right tempi and keys by genre, and what separates one music from
another: the likeness of a take to itself encoded otherwise or without one of its layers, and that of different takes of
one cue, which share theme, chords, players and tempo. The last line is `seconds: <for a take of 30 s>`.
"""

import argparse
import io
import os
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from models.composer.generator import Composer
from services.mastering.chain import master
from services.mastering.listening import Hearing, hear
from services.mastering.listening.likeness import SAME, likeness
from services.mastering.listening.tempo import NEAR, error
from services.planning.acceptance import BEATLESS, Rule, judge, kin
from tests.benchmarks.machine import describe
from tests.benchmarks.music.catalog import Take, catalog

RULE = Rule(keep=1, budget=1)
EVERY = 4  # of so many takes one is heard again, changed


@dataclass
class Found:
    """What was heard of all takes."""

    seconds: list[float] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    tempo: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    key: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    faults: Counter[str] = field(default_factory=Counter)
    families: dict[tuple[str, str, str], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    encoded: list[float] = field(default_factory=list)
    muted: list[float] = field(default_factory=list)

    def add(self, take: Take, hearing: Hearing, seconds: float) -> None:
        self.seconds.append(seconds)
        self.lengths.append(hearing.seconds)
        off = error(hearing.bpm or 1.0, take.controls.bpm, take.controls.meter)
        self.tempo[take.genre].append(off <= NEAR)
        self.key[take.genre][kin(hearing.key or "C major", take.controls.key)] += 1
        self.faults.update(judge(hearing, take.controls, RULE).faults)
        self.families[take.family].append(hearing.descriptor)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--takes", type=int, default=294)
    count = asked.parse_args().takes
    print(describe())
    started = time.process_time()
    hear(np.random.default_rng(0).normal(size=(2, 48000)).astype(np.float32), 48000)
    print(f"first call, imports included: {time.process_time() - started:.2f} s of processor time")
    found = listen(count)
    tell(found)


def listen(count: int) -> Found:
    """Compose, master and hear `count` takes."""
    found = Found()
    with tempfile.TemporaryDirectory() as folder:
        composer = Composer(_cache(Path(folder)))
        composer.setup()
        for number, take in enumerate(catalog(count).takes):
            [rendition] = composer.generate([take.request])
            made = master(rendition, take.delivery, take.controls.duration if take.controls.loop else None)
            sound, rate = made.mix.as_float(), made.mix.sample_rate
            started = time.process_time()
            hearing = hear(sound, rate)
            found.add(take, hearing, time.process_time() - started)
            if number % EVERY == 0:
                found.encoded.append(likeness(hearing.descriptor, hear(_mp3(sound, rate), rate).descriptor))
                layer = made.stem(made.stem_names[number // EVERY % len(made.stem_names)]).as_float()
                found.muted.append(likeness(hearing.descriptor, hear(sound - layer, rate).descriptor))
    return found


def _cache(folder: Path) -> Path:
    """Where the composer's bank lies or is made."""
    named = os.environ.get("CUEWORKS_CACHE")
    usual = Path("~/.cache/cueworks").expanduser()
    return Path(named) if named else usual if usual.is_dir() else folder


def _mp3(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound.T, rate, format="MP3", compression_level=0.9)
    file.seek(0)
    decoded: NDArray[np.float32] = soundfile.read(file, dtype="float32")[0].T
    return decoded


def tell(found: Found) -> None:
    print(f"{'genre':14} {'takes':>5} {'tempo':>6} {'key exact':>10} {'related':>8} {'wrong':>6}")
    for genre, right in found.tempo.items():
        keys = found.key[genre]
        print(f"{genre:14} {len(right):5} {np.mean(right):6.1%} {keys['exact'] / len(right):10.1%} "
              f"{keys['related'] / len(right):8.1%} {keys['other'] / len(right):6.1%}")  # fmt: skip
    beats = [one for genre, right in found.tempo.items() if genre not in BEATLESS for one in right]
    keys = sum(found.key.values(), Counter())
    total = keys.total()
    print(f"tempo within {NEAR:.1%}, genres with a beat: {np.mean(beats):.1%} of {len(beats)}")
    print(f"key: {keys['exact'] / total:.1%} exact, {keys['related'] / total:.1%} related, "
          f"{keys['other'] / total:.1%} wrong, of {total}")  # fmt: skip
    told = ", ".join(f"{kind} {count}" for kind, count in found.faults.most_common()) or "none"
    print(f"rejected by the usual rule, of {total}: {told}")
    different = [likeness(one, other) for family in found.families.values()
                 for at, one in enumerate(family) for other in family[at + 1 :]]  # fmt: skip
    print(f"likeness (one music from {SAME:g} on)   lowest    5 %   median   95 %  highest")
    for name, values in (("as MP3", found.encoded), ("a layer muted", found.muted), ("other takes", different)):
        figures = "  ".join(f"{value:6.3f}" for value in np.quantile(values or [0.0], (0, 0.05, 0.5, 0.95, 1)))
        same = np.mean(np.array(values or [0.0]) >= SAME)
        print(f"  {name:14} {len(values):4} pairs: {figures}   taken for one: {same:.1%}")
    scaled = [30 * seconds / length for seconds, length in zip(found.seconds, found.lengths, strict=True)]
    print(f"a take of 30 s: median {np.median(scaled):.3f} s, slowest {max(scaled):.3f} s")
    print(f"seconds: {np.median(scaled):.3f}")


if __name__ == "__main__":
    main()
