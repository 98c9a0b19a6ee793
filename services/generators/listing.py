"""The register of generators for people and programs: rows of `cueworks models list` and `show`. Reads only."""

from dataclasses import asdict
from typing import Any

from db.registrations import RegistrationRow
from models.registry import Card
from services.generators.known import KnownGenerators, gone_text, row_revision
from services.generators.rights import answers, known_licence, notes
from services.generators.verifying import bytes_of
from services.rights.register import Register

BUILT_IN = "built-in"


def listed(known: KnownGenerators) -> list[dict[str, Any]]:
    """A row per generator: its card, where it is from, whether it is there, and its older revisions."""
    return [
        _row(known, card) for card in sorted(known.values(), key=lambda card: (card.id not in known.builtin, card.id))
    ]


def _row(known: KnownGenerators, card: Card) -> dict[str, Any]:
    rows = known.rows(card.id)
    current = rows[-1] if rows else None
    older = dict.fromkeys(row_revision(row) for row in rows if current and row.digest != current.digest)
    return {
        **asdict(card), "options": dict(card.options), "origin": current.origin if current else BUILT_IN,
        "present": current is None or gone_text(current) is None, "older_revisions": list(older),
    }  # fmt: skip


def shown_row(known: KnownGenerators, name: str, register: Register) -> dict[str, Any]:
    """All that is known of one generator. Raises UnknownGeneratorError."""
    card = known.card(name)
    rows = known.rows(name)
    told = _row(known, card)
    told["licence_by_facts"] = known_licence(register, name, register.checkpoints.find(name, card.revision))
    told["uses"] = answers(register, name, card.revision)
    if rows:
        told["registration"] = registration_json(rows[-1])
        told["bytes"] = bytes_of(rows[-1:])
        told["missing"] = gone_text(rows[-1])
        told["notes"] = notes(register, rows[-1])
        told["history"] = [_event(row) for row in known.history(name)]
    return told


def registration_json(row: RegistrationRow) -> dict[str, Any]:
    """A registration as plain JSON values."""
    return {**row.as_row(), "revision": row_revision(row), "at": row.at.isoformat()}


def _event(row: RegistrationRow) -> dict[str, Any]:
    return {"act": row.act, "at": row.at.isoformat(), "revision": row.revision, "digest": row.digest,
            "asked_revision": row.asked_revision, "commit": row.commit_id, "folder": row.folder}  # fmt: skip
