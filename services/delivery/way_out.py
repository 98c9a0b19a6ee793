"""A take's way out of the house, as plain JSON values for `show`. Reads only, and imports nothing heavy."""

from typing import Any

from sqlalchemy.orm import Session

from db.releases import contributions, derivations, releases_of_take, reviews


def delivered(session: Session, take_id: str) -> dict[str, Any]:
    """What `show` tells of a take's way out: reviews, contributions, files made from it, releases."""
    return {
        "reviews": [
            {"id": row.id, "decision": row.decision, "by": row.by, "note": row.note, "at": row.at.isoformat()}
            for row in reviews(session, [take_id]).get(take_id, ())
        ],
        "contributions": [
            {"id": row.id, "kind": row.kind, "by": row.by, "note": row.note, "sha256": row.sha256,
             "at": row.at.isoformat()}
            for row in contributions(session, [take_id]).get(take_id, ())
        ],
        "derivations": [
            {"id": row.id, "kind": row.kind, "sha256": row.sha256, "source_sha256": row.source_sha256,
             "licence": row.expression, "by": row.by, "note": row.note, "at": row.at.isoformat()}
            for row in derivations(session, [take_id]).get(take_id, ())
        ],
        "releases": [
            {"id": row.id, "name": row.name, "use": row.use, "target": row.target, "folder": row.folder,
             "created_at": row.created_at.isoformat(), "withdrawn": row.withdrawal is not None}
            for row in releases_of_take(session, take_id)
        ],
    }  # fmt: skip
