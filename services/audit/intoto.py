"""in-toto statements about takes and releases, and the DSSE envelope that signs them.

Which questions must the predicate answer?
- Which sound is this, and which other files hold the same?            subject, `take.id`, `take.pcm_sha256`
- What was ordered, by which brief, when?                              `order`
- What made it: generator, revision, weights, seed, prompt, machine?   `made`
- May it be used, for what, by whom, on which day, and on which facts? `rights`
- What did people put into it, and who decided that it may leave?      `people`
- Where did it go, and was it called back?                             `releases`
- Where can that be checked without believing the signer?              `ledger`

Rules:
- Statement v1 of https://github.com/in-toto/attestation; subjects are matched by digest alone, names are for people.
- Times are named by what happened (`planned_at`, `recorded_at`) and are RFC 3339 in UTC, `Z`.
- A prompt is told by its digest only: statements travel with files. What is not on record is null, never left out.
- The predicate's type ends in a version; a reader ignores fields that it does not know.
- What is signed is DSSE's pre-authentication encoding of the exact bytes; they are kept, never made again to verify.

Nothing here reads a database.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.canonical import canonical, text_time
from services.audit.origins import origin_of
from services.audit.rows import CitedFact, Contributed, Judged, Released, Stated, TakeChain
from services.provenance.keys import PublicKey, SigningKey

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
TAKE_PREDICATE = "urn:cueworks:predicate:take:v1"
RELEASE_PREDICATE = "urn:cueworks:predicate:release:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST_ENVELOPE = 256 << 20
Json = dict[str, Any]


def take_statement(chain: TakeChain) -> Json:
    """The statement about one take. Its subjects are every file in the store and every file that left.

    Raises ValueError for a take without any file: there is nothing to state it of."""
    files = [(asset.sha256, f"{asset.role} {asset.media_type}") for asset in chain.assets]
    files += [(item.sha256, item.path) for item in chain.items]
    if not files:
        raise ValueError(f"take {chain.row.take} has no file, so there is nothing to make a statement about")
    return _statement(files, TAKE_PREDICATE, _take(chain))


def release_statement(release: Released, chains: Iterable[TakeChain]) -> Json:
    """The statement about a release. Its subjects are its manifest and every file that left with it."""
    told = list(chains)
    items = [item for chain in told for item in chain.items if item.release.id == release.id]
    files = [(release.manifest_sha256, "manifest.json"), *((item.sha256, item.path) for item in items)]
    predicate = {"release": _release(release), "takes": [_take(chain) for chain in told]}
    return _statement(files, RELEASE_PREDICATE, predicate)


def statement_bytes(statement: Json) -> bytes:
    """A statement as it is written and signed: RFC 8785 canonical JSON. Raises ValueError for what that cannot hold."""
    return canonical(statement)


def _statement(files: Sequence[tuple[str, str]], type_: str, predicate: Json) -> Json:
    names: dict[str, str] = {}
    for sha256, name in sorted(files, key=lambda file: (file[1], file[0])):
        names.setdefault(sha256, name)
    subject = [{"name": name, "digest": {"sha256": sha256}} for sha256, name in names.items()]
    return {"_type": STATEMENT_TYPE, "subject": subject, "predicateType": type_, "predicate": predicate}


def _take(chain: TakeChain) -> Json:
    row = chain.row
    verdicts = [_stated(verdict) for verdict in (row.plan, row.record, row.release) if verdict]
    return {
        "take": {"id": row.take, "catalog": row.catalog, "pcm_sha256": row.pcm_sha256, "status": row.status},
        "order": _order(chain),
        "made": _made(chain),
        "rights": {**_rights(chain), "recorded": verdicts},
        "people": {
            "contributions": [_contribution(part) for part in row.contributions],
            "reviews": [
                {"decision": review.decision, "by": review.by, "note": review.note, "reviewed_at": _time(review.at)}
                for review in chain.reviews
            ],
        },
        "releases": [
            {**_release(item.release), "path": item.path, "sha256": item.sha256, "source_sha256": item.source_sha256}
            for item in chain.items
        ],
        "ledger": {
            "entries": [
                {"sequence": entry.sequence, "kind": entry.kind, "sha256": entry.sha256} for entry in chain.entries
            ],
            "checkpoint_size": chain.ledger.checkpoint_size,
            "checkpoint_root": chain.ledger.checkpoint_root,
            "checkpoint_key": chain.ledger.checkpoint_key,
        },
    }  # fmt: skip


def _order(chain: TakeChain) -> Json:
    row, brief = chain.row, chain.brief
    return {
        "brief_sha256": brief.sha256, "use": brief.use, "licensee": brief.licensee, "planned_at": _time(row.planned_at),
        "cue": row.cue, "zone": row.zone, "state": row.state, "point": _parsed(row.point), "index": row.index,
        "prompt_sha256": row.prompt_sha256, "seed": _whole(row.seed), "controls": chain.controls,
    }  # fmt: skip


def _made(chain: TakeChain) -> Json:
    row = chain.row
    origin = origin_of(row.generator, chain.card, chain.facts)
    return {
        "generator": row.generator, "revision": row.revision, "weights_sha256": chain.weights_digest,
        "kind": origin.kind, "recorded_at": _time(row.recorded_at), "engine_profile_sha256": row.engine_profile,
        "attempts": [
            {
                "run": attempt.run, "outcome": attempt.outcome, "started_at": _time(attempt.started_at),
                "ended_at": _time(attempt.ended_at), "engine_profile_sha256": attempt.engine_profile,
            }
            for attempt in chain.attempts
        ],
        "derived": [
            {
                "kind": part.kind, "sha256": part.sha256, "source_sha256": part.source_sha256,
                "licence": part.expression, "source": part.source, "by": part.by, "derived_at": _time(part.at),
            }
            for part in chain.derivations
        ],
    }  # fmt: skip


def _rights(chain: TakeChain) -> Json:
    asked = chain.asked
    return {
        "use": asked.use, "licensee_kind": asked.licensee_kind, "revenue_usd": asked.revenue,
        "as_of": asked.as_of.isoformat(), "known_at": _time(asked.known_at), **_judged(chain.row.judged),
        "facts": [_fact(fact) for fact in chain.facts],
    }  # fmt: skip


def _judged(judged: Judged) -> Json:
    reasons = [
        {"rule": why.rule, "answer": why.answer, "text": why.text, "facts": list(why.facts)} for why in judged.reasons
    ]
    said = {"answer": judged.answer, "licence": judged.licence or None}
    return {**said, "reasons": reasons, "duties": list(judged.duties)}


def _fact(fact: CitedFact) -> Json:
    return {
        "id": fact.id, "subject": fact.subject, "answer": fact.answer, "expression": fact.expression or None,
        "source": fact.source or None, "grade": fact.grade or None, "terms_sha256": fact.terms_sha256,
        "valid_from": fact.valid_from.isoformat() if fact.valid_from else None,
        "valid_to": fact.valid_to.isoformat() if fact.valid_to else None, "recorded_at": _time(fact.recorded_at),
    }  # fmt: skip


def _stated(verdict: Stated) -> Json:
    return {
        "stage": verdict.stage, "answer": verdict.answer, "judgement_sha256": verdict.judgement, "use": verdict.use,
        "as_of": verdict.as_of.isoformat(), "judged_at": _time(verdict.judged_at),
    }  # fmt: skip


def _contribution(part: Contributed) -> Json:
    said = {"kind": part.kind, "by": part.by, "note": part.note, "sha256": part.sha256}
    return {**said, "contributed_at": _time(part.at)}


def _release(release: Released) -> Json:
    return {
        "id": release.id, "name": release.name, "use": release.use, "target": release.target, "by": release.by,
        "released_at": _time(release.at), "manifest_sha256": release.manifest_sha256,
        "withdrawn_at": _time(release.withdrawn_at), "withdrawn_why": release.withdrawn_why,
    }  # fmt: skip


def subjects_of(statement: Json, sha256: str) -> list[str]:
    """The names under which a statement speaks of the file with this digest; none where it does not."""
    found = statement.get("subject")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return [str(row.get("name")) for row in rows if (row.get("digest") or {}).get("sha256") == sha256]


# ------------------------------------------------------------------------------------------------ the envelope


@dataclass(frozen=True)
class Verified:
    """What an envelope came to. `fault` says why it is not to be believed; else `statement` and `key_id` are set.

    `others` counts signatures by keys that were not given: they say nothing, for or against."""

    fault: str | None
    statement: Json | None = None
    key_id: str | None = None
    others: int = 0

    @property
    def ok(self) -> bool:
        return self.fault is None


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed (github.com/secure-systems-lab/dsse, protocol.md)."""
    type_ = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)


def envelope(statement: Json, *signers: SigningKey) -> bytes:
    """A DSSE envelope (JSON) of a statement, signed by each of `signers` with Ed25519."""
    payload = statement_bytes(statement)
    message = pae(PAYLOAD_TYPE, payload)
    signatures = [{"keyid": key.id, "sig": _base64(key.sign(message))} for key in signers]
    return canonical({"payload": _base64(payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures})


def verify_envelope(data: bytes, keys: Iterable[PublicKey]) -> Verified:
    """Whether one of `keys` signed the statement in a DSSE envelope. Never raises on hostile bytes.

    A signature that names one of `keys` must be right; which key a signature names is a hint, no more."""
    try:
        payload, signatures = _opened(data)
    except ValueError as error:
        return Verified(f"this is no DSSE envelope of an in-toto statement: {error}")
    known, message = {key.id: key for key in keys}, pae(PAYLOAD_TYPE, payload)
    mine = [(keyid, signature) for keyid, signature in signatures if keyid in known]
    wrong = [keyid for keyid, signature in mine if not known[keyid].verifies(signature, message)]
    if wrong:
        return Verified(f"the signature of key {wrong[0]} does not fit: statement or signature was changed")
    if not mine:
        return Verified("no key that you gave signed it; give the signer's public key", others=len(signatures))
    try:
        return Verified(None, _read_statement(payload), mine[0][0], len(signatures) - len(mine))
    except ValueError as error:
        return Verified(f"what was signed is no statement: {error}")


def _opened(data: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """(payload, signatures) of an envelope, nothing of it believed yet."""
    if len(data) > LARGEST_ENVELOPE:
        raise ValueError(f"larger than {LARGEST_ENVELOPE} bytes")
    told = _loaded(data)
    if told.get("payloadType") != PAYLOAD_TYPE:
        raise ValueError(f"its payload is not {PAYLOAD_TYPE}")
    signatures = told.get("signatures")
    if not isinstance(signatures, list) or not all(isinstance(row, dict) for row in signatures):
        raise ValueError("it has no list of signatures")
    return _bytes(told.get("payload")), [(str(row.get("keyid")), _bytes(row.get("sig"))) for row in signatures]


def _read_statement(payload: bytes) -> Json:
    statement = _loaded(payload)
    if statement.get("_type") != STATEMENT_TYPE:
        raise ValueError(f"its type is not {STATEMENT_TYPE}")
    if not isinstance(statement.get("subject"), list) or not isinstance(statement.get("predicateType"), str):
        raise ValueError("it has no subject or no predicate type")
    return statement


def _loaded(data: bytes) -> Json:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(told, dict):
        raise ValueError("it is no JSON object")
    return told


def _bytes(text: object) -> bytes:
    """Base64 as DSSE allows it: standard or URL-safe."""
    if not isinstance(text, str):
        raise ValueError("a field that must be Base64 is none")
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a field that must be Base64 is none") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _time(at: datetime | None) -> str | None:
    return text_time(at) if at else None


def _whole(number: int) -> int | str:
    """Beyond 53 bits no reader of JSON can be trusted with a number."""
    return number if abs(number) < 2**53 else str(number)


def _parsed(point: str) -> Any:
    try:
        return json.loads(point)
    except ValueError:
        return point
