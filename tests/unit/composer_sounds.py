"""What the composer's sound tests share: the bank, built once per test process, and scores written by hand."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from models.composer.bank.store import ensure_bank
from models.composer.score import Chord, Desk, Notes, Score, Section, Track


@cache
def bank_path() -> Path:
    """A bank that this process has synthesised itself, from the code as it is."""
    return ensure_bank(Path(mkdtemp(prefix="cueworks-bank-")))


def notes(*rows: tuple[float, float, int, int]) -> Notes:
    """Notes from (onset, length, pitch, velocity) rows, sorted by onset."""
    table = np.array(sorted(rows), dtype=np.float64).reshape(-1, 4)
    pitch, velocity = table[:, 2].astype(np.int32), table[:, 3].astype(np.int32)
    return Notes(table[:, 0].copy(), table[:, 1].copy(), pitch, velocity)


def band(bars: int = 4, loop: bool = True, tail_s: float = 0.0, repeats: int = 1, bpm: float = 120.0) -> Score:
    """A small band in 4/4: strings over two harmonies, a violin, a bass and drums; `repeats` plays it again."""
    strings, violin, bass, drums = [], [], [], []
    for bar in range(bars * repeats):
        at, chord = 4.0 * bar, ((62, 65, 69), (58, 62, 65))[bar % bars % 2]
        strings += [(at, 4.0, pitch, 80) for pitch in chord]
        violin += [(at + beat, 1.0, chord[beat % 3] + 12, 96) for beat in range(4)]
        bass += [(at, 1.8, chord[0] - 24, 100), (at + 2, 1.8, chord[0] - 24, 90)]
        drums += [(at, 0.2, 36, 112), (at + 1, 0.2, 38, 104), (at + 2, 0.2, 36, 108), (at + 3, 0.2, 38, 104)]
        drums += [(at + 0.5 * step, 0.2, 42, 70) for step in range(8)]
    tracks = (
        Track("Strings", "harmony", "strings", notes(*strings), -3.0, 0.0, 0.3),
        Track("Violin", "melody", "violin", notes(*violin), 0.0, -0.2, 0.3),
        Track("Bass", "bass", "bass", notes(*bass), 0.0, 0.0, 0.05),
        Track("Drums", "drums", "drums", notes(*drums), -3.0, 0.0, 0.1, role="drums"),
    )
    sections = (Section("A", 0, bars * repeats // 2), Section("B", bars * repeats // 2, bars * repeats // 2))
    chords = (Chord(0.0, 4.0, "Dm", "i", (2, 5, 9)), Chord(4.0, 4.0, "Bb", "VI", (10, 2, 5)))
    quarters = 4.0 * bars * repeats
    return Score(
        bpm, (4, 4), bars * repeats, quarters, "D minor", loop, tracks, sections, chords, Desk(), tail_s, {"by": "hand"}
    )


def seconds(score: Score) -> float:
    """The musical length of a score."""
    return score.quarters * 60 / score.bpm
