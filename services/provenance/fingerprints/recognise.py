"""Whose sound is in a file: candidates of the index, judged by their words and then by their waveforms.

The words of takes and their masters are handed in as functions, so nothing here knows a database or a store. What is
returned was found to be the same sound; nothing is guessed.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from services.provenance.fingerprints import thresholds
from services.provenance.fingerprints.extract import WAVEFORM_RATE, Heard, Waveform, Words
from services.provenance.fingerprints.index import Candidate, Index
from services.provenance.fingerprints.match import LAG_S, Stretch, best_stretch, correlated_part, correlation, extended

MOST_CANDIDATES = 256
MOST_LINES = 2  # of one sound: where a file holds it more than once
MOST_DECODED = 16
MOST_PATIENT = 1000  # words (2 minutes) of a query that is asked again with more tolerance when nothing was found
_CLEARLY = 0.05  # by so many equal bits a candidate must not fall behind what explains the same part of the file

ReadWords = Callable[[Collection[str]], Mapping[str, Words]]
ReadSound = Callable[[str, float, float], Waveform | None]


@dataclass(frozen=True)
class Recognised:
    """Sound `name` is in the file: where, and how surely. `correlation` of the waveforms is None where the master was
    not at hand; then the bits alone were enough. `shift_s` corrects the take's time: waveforms place exactly."""

    name: str
    stretch: Stretch
    correlation: float | None
    shift_s: float = 0.0

    @property
    def score(self) -> float:
        """For ranking, 0..1: the waveforms' agreement; of the bits, where there is no master."""
        return self.stretch.similarity if self.correlation is None else self.correlation


def recognise(heard: Heard, index: Index, words_of: ReadWords, sound_of: ReadSound) -> list[Recognised]:
    """Every sound of the index that the file holds, best first.

    `words_of` reads fingerprints by name; `sound_of(name, start_s, length_s)` decodes a part of a master, None where
    there is none."""
    found = _recognised(heard, index, words_of, sound_of, 1)
    if not found and heard.fingerprint.words.size <= MOST_PATIENT:
        found = _recognised(heard, index, words_of, sound_of, 2)
    return sorted(found, key=lambda r: (-r.score, -r.stretch.length, r.name))


def _recognised(
    heard: Heard, index: Index, words_of: ReadWords, sound_of: ReadSound, wrong: int
) -> list[Recognised]:
    """What is found where words may differ in `wrong` bits, in no order."""
    query, decoded = heard.fingerprint.words, 0
    found: list[Recognised] = []
    for name, stretch, take in _similar(query, index, words_of, wrong):
        if decoded >= MOST_DECODED:
            break
        if _explained(stretch, found):
            continue
        decoded += 1
        value, shift = _correlation(heard, name, stretch, sound_of)
        if _is_same(value, stretch, query, take):
            found.append(Recognised(name, extended(query, take, stretch, thresholds.CANDIDATE), value, shift))
    return found


def _similar(query: Words, index: Index, words_of: ReadWords, wrong: int) -> list[tuple[str, Stretch, Words]]:
    """(name, best stretch, words) of the candidates whose bits agree enough, the most similar first."""
    lines: dict[str, list[Candidate]] = {}
    for candidate in index.candidates(query, wrong, MOST_CANDIDATES):
        mine = lines.setdefault(candidate.name, [])
        if len(mine) < MOST_LINES and all(abs(candidate.offset - other.offset) > 2 for other in mine):
            mine.append(candidate)
    words = words_of(lines)
    found = []
    for name, candidates in lines.items():
        for candidate in candidates:
            stretch = best_stretch(query, words[name], candidate.offset) if name in words else None
            if stretch is not None and stretch.similarity >= thresholds.CANDIDATE:
                found.append((name, stretch, words[name]))
    return sorted(found, key=lambda item: (-item[1].similarity, item[0]))


def _explained(stretch: Stretch, found: list[Recognised]) -> bool:
    """Whether a sound found already explains this part of the file clearly better."""
    for other in found:
        first = max(stretch.query, other.stretch.query)
        last = min(stretch.query + stretch.length, other.stretch.query + other.stretch.length)
        better = other.stretch.similarity - stretch.similarity
        if last - first > stretch.length / 2 and better > _CLEARLY:
            return True
    return False


def _correlation(heard: Heard, name: str, stretch: Stretch, sound_of: ReadSound) -> tuple[float | None, float]:
    """The waveforms' agreement (None without a master) and by how many seconds the take's time is off."""
    query_s, take_s, length_s = correlated_part(stretch)
    start = int(query_s * WAVEFORM_RATE)
    part = heard.waveform[start : start + int(length_s * WAVEFORM_RATE)]
    before = min(LAG_S, take_s)
    master = sound_of(name, take_s - before, length_s + before + LAG_S)
    if master is None:
        return None, 0.0
    missing = part.size - master.size + int(LAG_S * WAVEFORM_RATE)
    if missing > 0:  # the master ends here; the file may go on
        master = np.pad(master, (0, missing))
    value, lag = correlation(part, master)
    return value, lag - before


def _is_same(value: float | None, stretch: Stretch, query: Words, take: Words) -> bool:
    if value is not None:
        return value >= thresholds.SAME_SOUND
    whole = stretch.length == min(thresholds.WINDOW, query.size, take.size)
    return whole and stretch.similarity >= thresholds.ALONE
