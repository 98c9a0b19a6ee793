"""What is measured of a take's score, alone and beside the other takes of its cue."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from models.composer.score import Score
from tests.benchmarks.music import diversity, notes, themes
from tests.benchmarks.music.catalog import Take, families
from tests.benchmarks.music.notes import Share
from tests.benchmarks.music.report import Figure, Finding, level, yes

MOST_OVERLAP = 0.6
FEWEST_DIFFERENCES = 0.1
FIGURES = (
    Figure("composed", 1.0),
    Figure("notes in the mode", 0.92),
    Figure("tonic first or second in weight", 0.95),
    Figure("tonic in the final bass", 0.95),
    Figure("chord tones on strong beats", 0.85),
    Figure("  of melody and counter", 0.85),
    Figure("forbidden parallels", 0.01, "<="),
    Figure("  of lines and bass", 0, ""),
    Figure("  of lines and chords", 0, ""),
    Figure("  of chords", 0, ""),
    Figure("theme found", 0.80),
    Figure("  strange themes found", themes.CHANCE, ""),
    Figure("  catalog's own motif found", 0, ""),
    Figure("4-gram overlap within a cue", MOST_OVERLAP, "<=", "worst", percent=False),
    Figure("  pairs above it", 0.0, "<="),
    Figure("differing slots within a cue", FEWEST_DIFFERENCES, ">=", "worst"),
    Figure("duplicates of notes", 0.0, "<="),
    Figure("melody register", 0, "", percent=False),
    Figure("melody range", 0, "", percent=False, unit=" st"),
    Figure("melody leaps over a fifth", 0, ""),
    Figure("melody notes a bar", 0, "", percent=False),
    Figure("tracks", 0, "", percent=False),
)


@dataclass(frozen=True)
class Sheet:
    """A take's score, measured. `findings` stand by themselves; the rest is for comparing with other takes."""

    take: Take
    findings: tuple[Finding, ...]
    theme: float
    motif: float
    chance: tuple[float, ...]
    grams: frozenset[tuple[int, ...]]
    struck: dict[int, frozenset[str]]
    digest: str


def measured(take: Take, score: Score) -> Sheet:
    """Everything that one score tells."""
    lines, controls = themes.lines_of(score), take.controls
    own = themes.find(themes.tune_of(controls.theme, controls), lines)
    motif = themes.find(themes.motif_tune_of(controls), lines) if controls.theme.variant else own
    return Sheet(
        take, tuple(Finding(name, take.genre, take.state, str(take), share) for name, share in _alone(take, score)),
        own.score, motif.score, tuple(themes.find(each, lines).score for each in themes.strangers(controls)),
        diversity.grams(score), diversity.struck(score), diversity.digest(score),
    )  # fmt: skip


def _alone(take: Take, score: Score) -> Iterator[tuple[str, Share]]:
    key = take.controls.key
    yield "composed", yes(True)
    yield "notes in the mode", notes.inside_mode(score, key)
    yield "tonic first or second in weight", yes(notes.tonic_rank(score, key) <= 2)
    yield "tonic in the final bass", yes(notes.ends_on_tonic(score, key))
    yield "chord tones on strong beats", notes.chord_tones(score)
    yield "  of melody and counter", notes.chord_tones(score, melody_only=True)
    everything, by_roles = notes.parallels(score)
    yield "forbidden parallels", everything
    for name, chords in (("  of lines and bass", 0), ("  of lines and chords", 1), ("  of chords", 2)):
        some = [
            share for pair, share in by_roles.items() if sum(role in notes.CHORDS for role in pair.split("-")) == chords
        ]
        yield name, Share(sum(each.part for each in some), sum(each.whole for each in some))
    yield "tracks", level(len(score.tracks))
    shape = notes.shape(score)
    if shape:
        yield "melody register", level(shape.register)
        yield "melody range", level(shape.range)
        yield "melody leaps over a fifth", level(shape.leaps)
        yield "melody notes a bar", level(shape.density)


def together(sheets: Sequence[Sheet]) -> Iterator[Finding]:
    """What shows only between takes: themes against chance, likeness within cues, duplicates."""
    yield from _themes(sheets)
    by_take = {sheet.take: sheet for sheet in sheets}
    for family in families(tuple(by_take)):
        yield from _pairs([by_take[take] for take in family])
    copies = Counter(sheet.digest for sheet in sheets)
    for sheet in sheets:
        yield _finding("duplicates of notes", sheet.take, yes(copies[sheet.digest] > 1))


def _finding(figure: str, take: Take, share: Share, what: str = "") -> Finding:
    return Finding(figure, take.genre, take.state, f"{take}{what}", share)


def _themes(sheets: Sequence[Sheet]) -> Iterator[Finding]:
    """Found is what scores above nine tenths of the strange themes."""
    limit = themes.threshold([score for sheet in sheets for score in sheet.chance])
    for sheet in sheets:
        told = f" score {sheet.theme:.1f} of {limit:.1f}"
        yield _finding("theme found", sheet.take, yes(sheet.theme > limit), told)
        yield _finding("  catalog's own motif found", sheet.take, yes(sheet.motif > limit))
        hits = sum(score > limit for score in sheet.chance)
        yield _finding("  strange themes found", sheet.take, Share(hits, len(sheet.chance)))


def _pairs(family: Sequence[Sheet]) -> Iterator[Finding]:
    for one, other in combinations(family, 2):
        overlap = diversity.jaccard(one.grams, other.grams)
        what = f" and #{other.take.index}"
        yield _finding("4-gram overlap within a cue", one.take, level(overlap), what)
        yield _finding("  pairs above it", one.take, yes(overlap > MOST_OVERLAP), what)
        slots = diversity.difference(one.struck, other.struck)
        yield _finding("differing slots within a cue", one.take, level(slots), what)
