"""What was released, and whether it would be today. Reads only.

A release stands or was withdrawn; beside that, today's policy is asked about every take it holds, for the use and
licensee it was released for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import reading
from db.releases import ReleaseRow, item_counts, release_rows, released_takes
from services.delivery.gate import Gate, Judged, Terms

RELEASED, WITHDRAWN, BARRED = "released", "withdrawn", "would-not-pass"
STRICTNESS = ("allowed", "allowed-with-duties", "unknown", "refused")


@dataclass(frozen=True)
class ReleaseState:
    """A release and how it stands: `status` is released, withdrawn or would-not-pass; `today` the strictest answer of
    today's policy, with `reasons` where it is not releasable."""

    release: ReleaseRow
    status: str
    today: str
    reasons: tuple[str, ...]
    takes: int
    files: int

    def as_json(self) -> dict[str, Any]:
        """A row of `releases --json`."""
        row, called_back = self.release, self.release.withdrawal
        plain = ("id", "catalog", "name", "use", "licensee", "target", "folder", "by", "manifest_sha256")
        withdrawal = called_back and {"by": called_back.by, "reason": called_back.reason,
                                      "at": called_back.at.isoformat()}  # fmt: skip
        return {
            **{name: getattr(row, name) for name in plain},
            "created_at": row.created_at.isoformat(), "status": self.status, "today": self.today,
            "reasons": list(self.reasons), "takes": self.takes, "files": self.files, "withdrawal": withdrawal,
        }  # fmt: skip


def releases(engine: Engine, gate: Gate, catalog: str | None = None) -> list[ReleaseState]:
    """Every release (of a catalog), oldest first, judged by the facts of now."""
    now = datetime.now(UTC)
    with reading(engine) as session:
        counts = item_counts(session)
        return [_state(session, gate, row, counts.get(row.id, (0, 0)), now) for row in release_rows(session, catalog)]


def _state(session: Session, gate: Gate, row: ReleaseRow, counts: tuple[int, int], now: datetime) -> ReleaseState:
    judged = gate.judge(session, released_takes(session, row.id), Terms(row.use, row.licensee), now)
    today = max((judgement.answer for judgement in judged.values()), key=STRICTNESS.index, default="unknown")
    reasons = tuple(sorted({text for judgement in judged.values() for text in _against(judgement)}))
    passes = bool(judged) and all(judgement.releasable for judgement in judged.values())
    status = WITHDRAWN if row.withdrawal is not None else RELEASED if passes else BARRED
    return ReleaseState(row, status, today, reasons, *counts)


def _against(judgement: Judged) -> Iterator[str]:
    if not judgement.releasable:
        yield from (reason.text for reason in judgement.reasons if reason.answer in ("refused", "unknown"))
