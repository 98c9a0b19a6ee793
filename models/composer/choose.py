"""Choosing: several scores are composed for every take and the best one is played, because scores cost little.

A take also keeps its distance from its elders, the takes of its cue and point that come before it in a block of eight:
whoever is too close to one of them is not chosen while there is another. Elders are told from the take's own seed
(`models.seeds`), so a take depends on nothing but its order, and later takes change no earlier one. Nothing is
rendered here, and the same arguments give the same bits.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from models.composer.compose import compose
from models.composer.dice import Dice
from models.composer.rating import Rating, rate
from models.composer.score import Score
from models.composer.traits import Traits, difference, overlap, traits_of
from models.controls import Controls
from models.seeds import elder

CANDIDATES = 4
MOST_CANDIDATES = 10  # drawn while all are too close to an elder
BLOCK = 8
NEAREST = 0.5  # most overlap of melodic words with an elder
SAMENESS = 0.15  # least share of struck slots that differ from an elder


@dataclass(frozen=True)
class Choice:
    """A chosen score, what it is like and how it was rated; `number` of those drawn."""

    score: Score
    traits: Traits
    rating: Rating
    number: int
    nearness: float  # to its nearest elder; above 1 it is too close


def choose(controls: Controls, seed: int, variation: int = 0) -> Score:
    """The score of the take with index `variation` in its cue and point, and with this seed.

    Takes that share a reference intensity are chosen at that intensity, so that they stay one piece at every level.
    Raises ValueError for controls that cannot be composed (see `compose`)."""
    basis = replace(controls, intensity=controls.reference) if controls.reference else controls
    choice = _chosen(basis, seed, variation % BLOCK)
    score = choice.score if basis == controls else compose(controls, _seed(seed, choice.number))
    told = {
        "candidate": choice.number,
        "rating": round(choice.rating.total, 4),
        "faults": {name: round(fault, 4) for name, fault in choice.rating.faults.items() if fault > 0},
        "nearness": round(choice.nearness, 4),
    }
    return replace(score, facts={**score.facts, "selection": told})


@lru_cache(maxsize=2 * BLOCK)
def _chosen(controls: Controls, seed: int, place: int) -> Choice:
    """The choice for the take at `place` of its block."""
    elders = [_chosen(controls, elder(seed, by), place - by).traits for by in range(place, 0, -1)]
    best: Choice | None = None
    for number in range(MOST_CANDIDATES):
        if number >= CANDIDATES and best is not None and best.nearness <= 1.0:
            break
        drawn = _candidate(controls, seed, number, elders)
        if best is None or _cost(drawn) < _cost(best):
            best = drawn
    assert best is not None
    return best


def _candidate(controls: Controls, seed: int, number: int, elders: list[Traits]) -> Choice:
    score = compose(controls, _seed(seed, number))
    traits = traits_of(score)
    nearness = max((_nearness(traits, other) for other in elders), default=0.0)
    return Choice(score, traits, rate(score, traits), number, nearness)


def _seed(seed: int, number: int) -> int:
    """What the candidate with this number is composed from: the first one from the take's own seed."""
    return seed if number == 0 else Dice("candidate", seed, number).whole(0, (1 << 53) - 1)


def _nearness(one: Traits, two: Traits) -> float:
    """How close two takes are: above 1 closer than takes of one cue may be."""
    return max(overlap(one.grams, two.grams) / NEAREST, SAMENESS / max(difference(one, two), 1e-3))


def _cost(choice: Choice) -> tuple[bool, float]:
    """Those that keep their distance first, then by rating; among the too close ones the farthest."""
    close = choice.nearness > 1.0
    return close, choice.nearness if close else choice.rating.total
