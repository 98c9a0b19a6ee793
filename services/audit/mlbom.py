"""What a catalog's music was made with, as a CycloneDX 1.6 ML-BOM: generators with version, weights, licence, training.

For tools that keep bills of materials and know nothing of music. A rule-based composer is an application, a trained
model a machine-learning model; what is not known is told in a property, never filled in. The serial number follows
from the content, so the same record gives the same bytes. https://cyclonedx.org/docs/1.6/json/
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from db.canonical import canonical, text_time
from services.audit.origins import TRAINED, Origin, about, origins
from services.audit.rows import AuditSummary, CitedFact, GeneratorTotal

SERIALS = uuid5(NAMESPACE_URL, "urn:cueworks:ml-bom")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
Json = dict[str, Any]


def ml_bom(summary: AuditSummary) -> Json:
    """The bill of materials of a catalog. Plain JSON values."""
    known = origins(summary.generators, summary.facts)
    made = {(total.generator, total.revision): total for total in summary.generators}
    components = [_component(total, known[key], summary.facts) for key, total in sorted(made.items())]
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": text_time(summary.made_at),
            "component": {"type": "data", "bom-ref": f"catalog:{summary.asked.catalog}", "name": summary.asked.catalog},
        },
        "components": components,
    }
    return {**body, "serialNumber": f"urn:uuid:{uuid5(SERIALS, canonical(body).decode())}"}


def ml_bom_bytes(summary: AuditSummary) -> bytes:
    """The same as RFC 8785 canonical JSON."""
    return canonical(ml_bom(summary))


def _component(total: GeneratorTotal, origin: Origin, facts: Sequence[CitedFact]) -> Json:
    told = about(total.generator, facts)
    component: Json = {
        "type": "machine-learning-model" if origin.kind == TRAINED else "application",
        "bom-ref": f"{total.generator}@{total.revision}",
        "name": total.generator,
        "version": total.revision,
        "licenses": [{"expression": _expression(total, told)}] if _expression(total, told) else [],
        "hashes": _hashes(total.weights_digest),
        "properties": _properties(total, origin, told),
    }
    if origin.kind == TRAINED:
        component["modelCard"] = _model_card(total.card, told)
    return {name: value for name, value in component.items() if value != []}


def _expression(total: GeneratorTotal, facts: Sequence[CitedFact]) -> str:
    """The licence of the card, else the expressions that facts about the generator state, all of them at once."""
    if licence := str(total.card.get("licence") or ""):
        return licence
    stated = sorted({fact.expression for fact in facts if fact.expression})
    return " AND ".join(f"({one})" if " OR " in one and len(stated) > 1 else one for one in stated)


def _hashes(weights: str | None) -> list[Json]:
    return [{"alg": "SHA-256", "content": weights}] if weights and _SHA256.fullmatch(weights) else []


def _properties(total: GeneratorTotal, origin: Origin, facts: Sequence[CitedFact]) -> list[Json]:
    said = [("kind", origin.kind), ("kind:basis", origin.basis), ("takes", str(total.takes))]
    said.append(("training-data", _training(total.card, facts) or "not on record"))
    for fact in facts:
        said.append(("fact", f"{fact.id}: {fact.source or 'no source on record'} ({fact.grade or 'no grade'})"))
    return [{"name": f"cueworks:{name}", "value": value} for name, value in said]


def _model_card(card: Mapping[str, Any], facts: Sequence[CitedFact]) -> Json:
    """What is known of the training, as CycloneDX writes it: a data set without more than its description."""
    training = _training(card, facts)
    data = [{"type": "dataset", "name": "training data", "description": training}] if training else []
    return {"modelParameters": {"task": "music generation", **({"datasets": data} if data else {})}}


def _training(card: Mapping[str, Any], facts: Sequence[CitedFact]) -> str:
    statements = [str(card.get("training_data") or ""), *(fact.training_data for fact in facts)]
    return "; ".join(dict.fromkeys(statement for statement in statements if statement))
