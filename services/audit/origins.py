"""Where a generator's sound comes from: composed by rules, a trained model, brought in from elsewhere, or not known.

Disclosure, credentials and certificates must say the same of a take, so it is decided once, here, from what is on
record: the generator's card, then the licence facts about it. A licence for weights tells of a trained model. What
neither tells is "unknown"; nothing is guessed from a generator's name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.audit.rows import CitedFact, GeneratorTotal
from services.rights.names import Pattern, plain_name

RULES, TRAINED, IMPORTED, UNKNOWN = KINDS = ("rule-based", "trained-model", "imported", "unknown")
KIND_WORDS = {
    RULES: "composed by rules, without a trained model",
    TRAINED: "made with a trained generative model",
    IMPORTED: "brought in from elsewhere",
    UNKNOWN: "made in a way that is not on record",
}
SOURCE_TYPES = {  # IPTC digital source types, https://cv.iptc.org/newscodes/digitalsourcetype/
    "algorithmicMedia": RULES,
    "trainedAlgorithmicMedia": TRAINED,
    "compositeWithTrainedAlgorithmicMedia": TRAINED,
}
_NO_TRAINING = ("none", "no training data", "none (no training data)", "not trained")  # said in full: it is a claim
_NOT_TOLD = ("none", "no ", "not ", "unknown", "unverified", "undisclosed", "?")


@dataclass(frozen=True)
class Origin:
    """`kind` is one of `KINDS`; `basis` says what it was told from, `facts` the ids of the facts among that."""

    kind: str
    basis: str
    facts: tuple[str, ...] = ()


def origin_of(generator: str, card: Mapping[str, Any], facts: Iterable[CitedFact] = ()) -> Origin:
    """The origin of what `generator` makes, from its card as recorded and from the facts that are about it."""
    if "import" in (card.get("origin"), card.get("kind")):
        return Origin(IMPORTED, "the generator's card")
    if kind := SOURCE_TYPES.get(str(card.get("source_type", ""))):
        return Origin(kind, "the generator's card")
    if kind := _by_training(card.get("training_data")):
        return Origin(kind, "the generator's card, training data")
    told = [(fact, _by_fact(fact)) for fact in about(generator, facts)]
    kinds = {kind for _, kind in told if kind}
    ids = tuple(fact.id for fact, kind in told if kind)
    if len(kinds) == 1:
        return Origin(kinds.pop(), "licence facts about weights and training", ids)
    basis = "licence facts contradict each other" if kinds else "neither its card nor a fact says how it was trained"
    return Origin(UNKNOWN, basis, ids)


def about(generator: str, facts: Iterable[CitedFact]) -> list[CitedFact]:
    """The facts whose subject is the generator, by a name or a pattern, in their order."""
    name = plain_name(generator)
    return [fact for fact in facts if _means(Pattern(fact.subject), name)]


def origins(totals: Iterable[GeneratorTotal], facts: Iterable[CitedFact]) -> dict[tuple[str, str], Origin]:
    """The origin by (generator, revision)."""
    known = tuple(facts)
    return {(total.generator, total.revision): origin_of(total.generator, total.card, known) for total in totals}


def _means(subject: Pattern, name: str) -> bool:
    return subject.matches(name) or ("/" not in name and subject.matches_without_owner(name))


def _by_fact(fact: CitedFact) -> str | None:
    """By the training that a fact states; without that, whoever licenses weights has trained some."""
    if kind := _by_training(fact.training_data):
        return kind
    licensed = fact.component == "weights" and fact.answer == "licence" and fact.expression
    return TRAINED if licensed else None


def _by_training(statement: object) -> str | None:
    if not isinstance(statement, str) or not statement.strip():
        return None
    said = statement.strip().rstrip(".").casefold()
    if said in _NO_TRAINING:
        return RULES
    return None if said.startswith(_NOT_TOLD) else TRAINED
