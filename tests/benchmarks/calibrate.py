"""What the thresholds of fingerprints rest on: `python -m tests.benchmarks.calibrate [--takes 40] [--foreign FOLDER]`.

Composes the two example briefs with two seeds each (84 takes that share one sound bank: the hardest negatives there
are), then measures copies of them and pairs of them. Prints, for copies: bits and waveforms against the master, and
whether `trace` finds the take. For pairs that are no copies: the most that bits and waveforms ever agree. Then every
crop is traced in an index without its own take: what is found there is false. `--foreign` adds any folder of sound
that is not ours; without it noises, tones and chords made by ffmpeg and numpy stand in. Last line: `false: <number>`.
"""

import argparse
import random
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.provenance.fingerprints import thresholds
from services.provenance.fingerprints.extract import Heard, Words, excerpt, hear
from services.provenance.fingerprints.ffmpeg import UnreadableSoundError, ffmpeg_path
from services.provenance.fingerprints.index import Index, Segment
from services.provenance.fingerprints.match import (
    LAG_S,
    Stretch,
    best_stretch,
    correlated_part,
    correlation,
    whole_overlap,
)
from services.provenance.fingerprints.recognise import recognise
from services.provenance.trace import files_below
from tests.benchmarks.composed import Piece, compose, scratch
from tests.benchmarks.machine import describe
from tests.unit.fingerprint_sounds import music, write

CROP_S = 10.0
COPIES = {  # name: (extension, ffmpeg's arguments)
    "mp3 64k": ("mp3", ["-b:a", "64k"]),
    "mp3 64k, 22 kHz, mono": ("mp3", ["-b:a", "64k", "-ar", "22050", "-ac", "1"]),
    "ogg, lowest quality": ("ogg", ["-c:a", "libvorbis", "-q:a", "0"]),
    "opus 48k": ("ogg", ["-c:a", "libopus", "-b:a", "48k"]),
    "aac 64k": ("m4a", ["-b:a", "64k"]),
    "-12 dB, mp3 64k": ("mp3", ["-af", "volume=-12dB", "-b:a", "64k"]),
    "+14 dB, clipped": ("wav", ["-af", "volume=14dB"]),
    "8 kHz, 8 bits": ("wav", ["-ar", "8000", "-ac", "1", "-c:a", "pcm_mulaw"]),
    "noise 20 dB below": ("wav", ["-filter_complex", "[0]volume=1[a];anoisesrc=a=0.02:c=pink:s=1[n];"
                                  "[a][n]amix=duration=first:normalize=0"]),
    "equaliser and echo": ("wav", ["-af", "equalizer=f=300:t=o:w=2:g=-8,treble=g=8,aecho=0.8:0.6:60|90:0.4|0.3"]),
    "tempo +2 %": ("wav", ["-af", "atempo=1.02"]),
    "speed +0.5 %": ("wav", ["-af", "asetrate=48240,aresample=48000"]),
}  # fmt: skip


@dataclass(frozen=True)
class Corpus:
    """The pieces with their fingerprints, named as an index names them."""

    pieces: dict[str, Piece]
    words: dict[str, Words]

    def index(self, without: str | None = None) -> Index:
        index = Index(Path("/nowhere"))
        index._segments = [Segment.build((name, words) for name, words in self.words.items() if name != without)]
        return index

    def sound_of(self, name: str, start_s: float, length_s: float) -> np.ndarray:
        return excerpt(self.pieces[name].path, start_s, length_s)

    def words_of(self, names: object) -> dict[str, Words]:
        return {name: self.words[name] for name in names}  # type: ignore[attr-defined]


def distort(piece: Piece, folder: Path, name: str, start_s: float, length_s: float | None = CROP_S) -> Heard:
    """A copy of a piece, from `start_s` on."""
    extension, arguments = COPIES[name]
    target = folder / f"copy.{extension}"
    cut = ["-ss", f"{start_s:.4f}"] + ([] if length_s is None else ["-t", str(length_s)])
    command = [ffmpeg_path(), "-v", "error", "-nostdin", "-y", *cut, "-i", str(piece.path), *arguments, str(target)]
    subprocess.run(command, check=True)
    return hear(target)


def waveforms(heard: Heard, stretch: Stretch, path: Path) -> float:
    """Their agreement as `trace` computes it."""
    query_s, take_s, length_s = correlated_part(stretch)
    part = heard.waveform[int(query_s * 6000) : int((query_s + length_s) * 6000)]
    before = min(LAG_S, take_s)
    master = excerpt(path, take_s - before, length_s + before + LAG_S)
    return correlation(part, np.pad(master, (0, max(0, part.size - master.size))))[0]


def best_of_all(one: Words, other: Words, window: int) -> Stretch | None:
    """The best stretch over every offset."""
    offsets = range(window - one.size, other.size - window + 1, 3)  # it tries those beside it itself
    found = (best_stretch(one, other, offset, window) for offset in offsets)
    return max((s for s in found if s and s.length == window), key=lambda s: s.similarity, default=None)


def copies(corpus: Corpus, names: list[str], folder: Path, rng: random.Random) -> tuple[int, int]:
    """The table of copies; (crops traced, false finds in an index without their take)."""
    print(f"\n{'copy: a crop of 10 s of':24} {'bits least':>10} {'middle':>7} {'wave least':>11} {'middle':>7}"
          f" {'found':>8} {'false':>6}")  # fmt: skip
    index, traced, false = corpus.index(), 0, 0
    starts = {name: rng.uniform(0, corpus.pieces[name].seconds - CROP_S - 0.5) for name in names}
    for kind in COPIES:
        bits, waves, found, wrong = [], [], 0, 0
        for name in names:
            heard = distort(corpus.pieces[name], folder, kind, starts[name])
            stretch = best_of_all(heard.fingerprint.words, corpus.words[name], min(40, heard.fingerprint.words.size))
            if stretch is not None:
                bits.append(stretch.similarity)
                waves.append(waveforms(heard, stretch, corpus.pieces[name].path))
            same = recognise(heard, index, corpus.words_of, corpus.sound_of)
            found += bool(same) and same[0].name == name
            wrong += bool(recognise(heard, corpus.index(name), corpus.words_of, corpus.sound_of))
        print(f"{kind:24} {min(bits):10.3f} {np.median(bits):7.3f} {min(waves):11.3f} {np.median(waves):7.3f}"
              f" {found:4}/{len(names)} {wrong:6}", flush=True)  # fmt: skip
        traced, false = traced + len(names), false + wrong
    return traced, false


def pairs(corpus: Corpus, rng: random.Random, most: int) -> None:
    """The table of pairs that are no copies."""
    names = list(corpus.pieces)
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for at, one in enumerate(names):
        for other in names[:at]:
            groups[corpus.pieces[one].kinship(corpus.pieces[other])].append((one, other))
    print(f"\n{'pairs that are no copies':32} {'pairs':>5} {'bits 8 s':>9} {'bits 10 s':>9} {'whole':>6} {'wave':>6}")
    for kind, found in groups.items():
        rng.shuffle(found)
        values = [_pair(corpus, *pair) for pair in found[:most]]
        print(f"{kind:32} {len(values):5} " + " ".join(f"{max(column):{width}.3f}" for column, width in
              zip(zip(*values, strict=True), (9, 9, 6, 6), strict=True)), flush=True)  # fmt: skip


def _pair(corpus: Corpus, one: str, other: str) -> tuple[float, float, float, float]:
    """(bits over a trace's window, over a reference's, over the whole overlap, waveforms there), the most of each."""
    first, second = corpus.words[one], corpus.words[other]
    stretch = best_of_all(first, second, thresholds.WINDOW)
    longer = best_of_all(first, second, thresholds.REFERENCE_WORDS)
    least = int(thresholds.OVERLAP * min(first.size, second.size))
    whole = max(value for share, value in (whole_overlap(first, second, offset) for offset in
                range(least - first.size, second.size - least + 1)) if share >= thresholds.OVERLAP)  # fmt: skip
    wave = 0.0
    if stretch is not None and stretch.similarity >= thresholds.CANDIDATE:
        wave = waveforms(hear(corpus.pieces[one].path), stretch, corpus.pieces[other].path)
    return stretch.similarity if stretch else 0.0, longer.similarity if longer else 0.0, whole, wave


def foreign(corpus: Corpus, folder: Path, given: Path | None) -> tuple[int, int]:
    """(files that are not ours, those of them that were taken for ours)."""
    files = list(files_below(given)) if given else list(_made(folder))
    index, count, false = corpus.index(), 0, 0
    for file in files:
        try:
            found = recognise(hear(file), index, corpus.words_of, corpus.sound_of)
        except UnreadableSoundError:
            continue
        count, false = count + 1, false + bool(found)
    return count, false


def _made(folder: Path) -> list[Path]:
    """Tones, sweeps, noises and chords: tonal sound agrees with much by its bits."""
    time = np.arange(22050 * 30) / 22050
    sounds = {f"chords-{seed}": music(seed, 30) for seed in range(40)}
    sounds |= {f"sine-{pitch}": 0.5 * np.sin(2 * np.pi * pitch * time) for pitch in (55, 146.83, 220, 293.66, 440, 880)}
    sounds |= {f"noise-{seed}": np.random.default_rng(seed).normal(0, 0.1, time.size) for seed in range(4)}
    sounds["sweep"] = 0.5 * np.sin(2 * np.pi * (100 * time + 20 * time**2))
    sounds["clicks at 120 bpm"] = np.where(np.arange(time.size) % 11025 < 40, 0.9, 0.0)
    return [write(folder / f"{name}.flac", np.clip(mono, -1, 1)) for name, mono in sounds.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=int, default=40, help="takes that copies are made of")
    parser.add_argument("--pairs", type=int, default=200, help="pairs of each kind")
    parser.add_argument("--foreign", type=Path, default=None, help="a folder of sound that is not ours")
    options = parser.parse_args()
    rng = random.Random(1)
    print(describe())
    with scratch() as name:
        folder = Path(name)
        pieces = list(compose(folder, ("rpg", "background"), (0, 77)))
        named = {f"{number:064x}": piece for number, piece in enumerate(pieces)}
        corpus = Corpus(named, {name: hear(piece.path).fingerprint.words for name, piece in named.items()})
        minutes = sum(piece.seconds for piece in pieces) / 60
        print(f"{len(pieces)} takes, {minutes:.0f} minutes; a copy has waveforms from {thresholds.SAME_SOUND} on")
        traced, false = copies(corpus, rng.sample(list(named), options.takes), folder, rng)
        pairs(corpus, rng, options.pairs)
        count, taken = foreign(corpus, folder, options.foreign)
        print(f"\n{count} files that are not ours: {taken} taken for ours; {traced} crops without their take: {false}")
        print(f"false: {false + taken}")


if __name__ == "__main__":
    main()
