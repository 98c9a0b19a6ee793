"""What a release says of itself: `manifest.json`, `SHA256SUMS`, the texts for credits and disclosure.

The manifest is RFC 8785 canonical JSON, so its bytes follow from what it says. Prompts are in it by their digest only.
Nothing here reads a database or signs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from db.canonical import canonical, text_time
from db.releases import FactText, ItemRow
from services.delivery.claims import disclosure, source_type
from services.delivery.frozen import FrozenTake
from services.delivery.gate import Judged, Terms
from services.provenance.credentials.claim import software

FORMAT = "cueworks release v1"
MANIFEST, SUMS, CREDITS, DISCLOSURE = "manifest.json", "SHA256SUMS", "ATTRIBUTION.txt", "DISCLOSURE.txt"
SIGNATURE = "manifest.json.sig"  # over the manifest: in no list, it is checked by itself
CREDENTIALS = "credentials:"  # what the role of a sidecar begins with, the role of its file following


@dataclass(frozen=True)
class Heading:
    """The release itself, as its manifest begins."""

    id: str
    catalog: str
    title: str
    name: str
    target: str
    terms: Terms
    by: str
    producer: str
    created_at: datetime
    aigc: bool = False


@dataclass(frozen=True)
class Released:
    """A take as it went out: what was judged of it, under which licence, with which ISRC."""

    frozen: FrozenTake
    judged: Judged
    licence: str
    isrc: str | None = None


def manifest(
    heading: Heading, takes: Sequence[Released], items: Iterable[ItemRow], facts: Mapping[str, FactText],
    documents: Mapping[str, bytes], near: Sequence[Mapping[str, Any]] = (),
) -> bytes:  # fmt: skip
    """The manifest's bytes. `documents` are the texts beside it by name, `near` the near-duplicates that were told."""
    by_id = {take.frozen.id: take for take in takes}
    judgements = {take.judged.id: take.judged for take in takes}
    return canonical({
        "format": FORMAT,
        "software": software(),
        "release": _heading(heading),
        "takes": [_take(take) for take in takes],
        "files": [_file(item, by_id[item.take_id]) for item in sorted(items, key=lambda item: item.path)],
        "judgements": {key: _judgement(judged) for key, judged in judgements.items()},
        "facts": {key: _fact(fact) for key, fact in facts.items()},
        "duties": duties(takes),
        "attribution": attributions(facts),
        "disclosure": disclosures(takes),
        "near_duplicates": list(near),
        "documents": [{"path": name, **_sized(data)} for name, data in sorted(documents.items())],
    })  # fmt: skip


def _heading(heading: Heading) -> dict[str, Any]:
    said = ("id", "catalog", "title", "name", "target", "by", "producer", "aigc")
    plain = {name: getattr(heading, name) for name in said}
    terms = {"use": heading.terms.use, "licensee": heading.terms.licensee}
    return {**plain, **terms, "created_at": text_time(heading.created_at)}


def _take(released: Released) -> dict[str, Any]:
    take, review = released.frozen.take, released.frozen.review
    plain = ("id", "zone", "cue", "state", "point", "index", "generator", "revision", "pcm_sha256")
    return {
        **{name: getattr(take, name) for name in plain},
        "seed": _seed(take.seed),
        "prompt_sha256": released.frozen.prompt_sha256,
        "source_type": source_type(released.frozen),
        "licence": released.licence,
        "isrc": released.isrc,
        "verdict": released.judged.answer,
        "judgement": released.judged.id,
        "review": {"by": review.by, "at": text_time(review.at), "note": review.note},
        "contributions": [
            {"kind": row.kind, "by": row.by, "note": row.note, "sha256": row.sha256}
            for row in released.frozen.contributions
        ],
    }


def _file(item: ItemRow, released: Released) -> dict[str, Any]:
    take = released.frozen.take
    plain = ("path", "role", "media_type", "sha256", "bytes", "source_sha256")
    return {
        **{name: getattr(item, name) for name in plain},
        "take": item.take_id,
        "generator": take.generator,
        "revision": take.revision,
        "prompt_sha256": released.frozen.prompt_sha256,
        "seed": _seed(take.seed),
        "verdict": released.judged.answer,
        "judgement": item.judgement_id,
        "facts": sorted(released.judged.facts),
        "duties": list(released.judged.duties),
        "licence": released.licence,
    }


def _seed(seed: int) -> int | str:
    """Beyond 53 bits no reader of JSON can be trusted with a number."""
    return seed if abs(seed) < 2**53 else str(seed)


def _judgement(judged: Judged) -> dict[str, Any]:
    reasons = [
        {"rule": reason.rule, "answer": reason.answer, "text": reason.text, "facts": list(reason.facts)}
        for reason in judged.reasons
    ]
    return {"answer": judged.answer, "reasons": reasons, "duties": list(judged.duties), "facts": sorted(judged.facts)}


def _fact(fact: FactText) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in ("subject", "expression", "attribution", "source", "grade")}


def _sized(data: bytes) -> dict[str, Any]:
    return {"sha256": sha256(data).hexdigest(), "bytes": len(data)}


def duties(takes: Iterable[Released]) -> list[str]:
    """Every duty that comes with some take."""
    return sorted({duty for take in takes for duty in take.judged.duties})


def attributions(facts: Mapping[str, FactText]) -> list[str]:
    """The texts that credits must carry."""
    return sorted({fact.attribution.strip() for fact in facts.values()} - {""})


def disclosures(takes: Iterable[Released]) -> list[str]:
    """How the music was made, a sentence a generator."""
    return sorted({disclosure(take.frozen) for take in takes})


def credits_text(takes: Sequence[Released], facts: Mapping[str, FactText]) -> bytes:
    """`ATTRIBUTION.txt`."""
    texts, owed = attributions(facts), duties(takes)
    lines = ["Put into the credits:", "", *texts] if texts else ["No attribution is asked for."]
    lines += ["", "Duties:", "", *(f"- {duty}" for duty in owed)] if owed else []
    return ("\n".join(lines) + "\n").encode()


def disclosure_text(takes: Sequence[Released]) -> bytes:
    """`DISCLOSURE.txt`."""
    return ("\n".join(disclosures(takes)) + "\n").encode()


def sums(files: Mapping[str, str]) -> bytes:
    """`SHA256SUMS` for `sha256sum -c`: digest, two blanks, path, by path."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(files.items())).encode()
