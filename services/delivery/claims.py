"""What is said in the files of a release: each take's claim, from the record and from what was judged today.

Nothing is signed here. A prompt is only ever told by its digest.
"""

from dataclasses import dataclass

from services.audit import origins
from services.audit.origins import origin_of
from services.delivery.frozen import FrozenTake
from services.provenance.credentials.claim import DISCLOSURES, Aigc, Claim

RULES = "algorithmicMedia"
TRAINED = "trainedAlgorithmicMedia"
LONGEST_LICENCE = 2_000


@dataclass(frozen=True)
class Labels:
    """What a release says in every file: who made it, and whether the block of GB 45438 is wanted."""

    catalog: str
    producer: str
    aigc: bool = False


def source_type(take: FrozenTake) -> str:
    """IPTC's term for how the sound was made: by rules only where that is on record, else what asks for disclosure."""
    return RULES if origin_of(take.take.generator, take.card).kind == origins.RULES else TRAINED


def licence(said: str) -> str:
    """The terms of a take's sound, as a tag can hold them."""
    return said if len(said) <= LONGEST_LICENCE else "see manifest.json"


def title(take: FrozenTake) -> str:
    """A short name a player shows: zone, cue, point and number."""
    parts = [take.take.zone, take.take.cue, *map(str, take.take.point.values())]
    words = " ".join(" ".join(part for part in parts if part).split())
    shown = "".join(char if char.isprintable() else "?" for char in words)
    return f"{shown[:200]} {take.take.index:03d}"


def claim(take: FrozenTake, labels: Labels, licence: str, master_sha256: str, isrc: str | None) -> Claim:
    """The claim of one file of a take; `master_sha256` is the file in the store it is made from."""
    recorded = take.take.recorded_at or take.take.planned_at
    return Claim(
        take_id=take.id, title=title(take), generator=take.take.generator, revision=take.take.revision,
        source_type=source_type(take), prompt_sha256=take.prompt_sha256, licence=licence, catalog=labels.catalog,
        producer=labels.producer, created_at=recorded, master_sha256=master_sha256, isrc=isrc,
    )  # fmt: skip


def aigc(take: FrozenTake, labels: Labels) -> Aigc | None:
    """The block of GB 45438 for a take, where it is wanted."""
    return Aigc(labels.producer, take.id) if labels.aigc else None


def disclosure(take: FrozenTake) -> str:
    """What people are told of how a take was made."""
    return DISCLOSURES[source_type(take)].format(generator=take.take.generator)
