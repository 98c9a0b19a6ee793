"""What sounds too much alike: mixes of different takes of one catalog, and takes beside audio made elsewhere.

Answers are warnings for a person, never a refusal. Only fingerprints are compared: a returning theme stays below the
thresholds, the same score in another mix does not. Reads the database only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from db.engine import reading
from db.fingerprints import KnownReference, fingerprint_words, mixes, references
from services.provenance.fingerprints import thresholds
from services.provenance.fingerprints.extract import HOP_S, Words, words_of
from services.provenance.fingerprints.index import Candidate, Segment
from services.provenance.fingerprints.match import best_stretch, whole_overlap

_MOST_HITS = 200_000  # for one take
_MOST_CANDIDATES = 24
_FEWEST_VOTES = 0.02  # of a take's words; near-duplicates share most of them bit for bit
KINDS = ("identical", "near-duplicate", "near-reference")


@dataclass(frozen=True)
class Near:
    """Two sounds that are too much alike. `kind` is one of `KINDS`; `other` a take, or the SHA-256 of a reference;
    `similarity` the share of equal bits, `seconds` over how long, `offset_s` where `take` begins in `other`."""

    kind: str
    take: str
    other: str
    similarity: float
    seconds: float
    offset_s: float
    text: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def near_duplicates(engine: Engine, catalog: str, told: Callable[[int], object] = lambda count: None) -> list[Near]:
    """Pairs of finished takes of a catalog whose mixes are one or nearly one, the most alike first.

    `told` is called with the number of takes compared since. Takes without a fingerprint are left out."""
    with reading(engine) as session:
        takes = mixes(session, catalog)
        words = {name: words_of(blob) for name, blob in fingerprint_words(session, takes)}
    found = list(_identical(takes))
    segment = Segment.build(sorted(words.items()))
    for name in sorted(words):
        found += _near(name, words, segment, takes)
        told(1)
    return sorted(found, key=lambda near: (-near.similarity, near.take, near.other))


def _identical(takes: Mapping[str, Sequence[str]]) -> Iterator[Near]:
    for same in takes.values():
        for other in same[1:]:
            text = f"takes {same[0][:12]} and {other[:12]} are one sound, bit for bit"
            yield Near("identical", same[0], other, 1.0, 0.0, 0.0, text)


def _near(name: str, words: Mapping[str, Words], segment: Segment, takes: Mapping[str, list[str]]) -> Iterator[Near]:
    """Those with a later name, so that no pair is told twice."""
    query = words[name]
    if not query.size:
        return
    best: dict[str, tuple[float, float, int]] = {}
    for candidate in segment.candidates(query, 0, _MOST_CANDIDATES, _MOST_HITS):
        if candidate.name > name and candidate.votes >= max(1, _FEWEST_VOTES * query.size):
            value = _overlap(query, words[candidate.name], candidate)
            best[candidate.name] = max(best.get(candidate.name, value), value)
    for other, (similarity, share, offset) in best.items():
        if share >= thresholds.OVERLAP and similarity >= thresholds.NEAR_DUPLICATE:
            one, two = takes[name][0], takes[other][0]
            text = f"takes {one[:12]} and {two[:12]} sound nearly alike: their fingerprints agree by {similarity:.0%}"
            seconds = share * min(query.size, words[other].size) * HOP_S
            yield Near("near-duplicate", one, two, round(similarity, 4), round(seconds, 1), offset * HOP_S, text)


def _overlap(query: Words, take: Words, candidate: Candidate) -> tuple[float, float, int]:
    """(similarity, share, offset), the best at the candidate's offset or beside it; 0 where too little overlaps."""
    found = []
    for offset in (candidate.offset - 1, candidate.offset, candidate.offset + 1):
        share, similarity = whole_overlap(query, take, offset)
        found.append((similarity if share >= thresholds.OVERLAP else 0.0, share, offset))
    return max(found)


def near_references(engine: Engine, catalog: str) -> list[Near]:
    """Finished takes of a catalog that come too close to imported reference audio, the closest first."""
    with reading(engine) as session:
        takes, known = mixes(session, catalog), references(session)
        words = {name: words_of(blob) for name, blob in fingerprint_words(session, takes)}
        theirs = {name: words_of(blob) for name, blob in fingerprint_words(session, [r.pcm_sha256 for r in known])}
    segment = Segment.build(sorted(words.items()))
    found = [near for one in known if one.pcm_sha256 in theirs
             for near in _close_to(one, theirs[one.pcm_sha256], words, segment, takes)]
    return sorted(found, key=lambda near: (-near.similarity, near.take, near.other))


def _close_to(
    reference: KnownReference, query: Words, words: Mapping[str, Words], segment: Segment,
    takes: Mapping[str, list[str]],
) -> Iterator[Near]:
    best: dict[str, Near] = {}
    for candidate in segment.candidates(query, 1, 4 * _MOST_CANDIDATES, _MOST_HITS):
        stretch = best_stretch(query, words[candidate.name], candidate.offset, thresholds.REFERENCE_WORDS)
        if stretch is None or stretch.similarity < thresholds.NEAR_REFERENCE:
            continue
        take = takes[candidate.name][0]
        text = (
            f"take {take[:12]} from {stretch.take_s:.1f} s on is close to the reference {reference.name!r} "
            f"({reference.expression}): {stretch.similarity:.0%} of {stretch.seconds:.0f} s of fingerprint agree"
        )
        near = Near("near-reference", take, reference.sha256, round(stretch.similarity, 4),
                    round(stretch.seconds, 1), round(stretch.take_s - stretch.query_s, 2), text)  # fmt: skip
        best[take] = max(best.get(take, near), near, key=lambda each: each.similarity)
    yield from best.values()
