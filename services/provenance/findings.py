"""What verification of the ledger tells: findings with a remedy each, the first 1,000 kept, all of them counted."""

from dataclasses import dataclass, field
from typing import Any

from db.ledger_rows import KEPT

MOST_FINDINGS = 1_000
OF_TAKES = frozenset(kept.name for kept in KEPT if kept.subject in ("take_id",) or kept.name == "take")
RESTORE = "restore the database from a backup that agrees with the exported checkpoints"


@dataclass(frozen=True)
class Finding:
    """One difference. `kind` is its name, `sequence` the entry's, `subject` whom it is about, `table` and `key` the
    row's; `expected` and `found` where they can be said in a line."""

    kind: str
    what: str
    remedy: str
    sequence: int | None = None
    subject: str | None = None
    table: str | None = None
    key: str | None = None
    expected: str | None = None
    found: str | None = None

    @property
    def take(self) -> str | None:
        """The take that is concerned, where it is a row of one."""
        return self.subject if self.table in OF_TAKES else None


@dataclass
class Report:
    problems: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    count: int = 0

    def problem(self, kind: str, what: str, remedy: str = RESTORE, **about: Any) -> None:
        self.count += 1
        if len(self.problems) < MOST_FINDINGS:
            self.problems.append(Finding(kind, what, remedy, **about))

    def note(self, kind: str, what: str, remedy: str, **about: Any) -> None:
        if len(self.notes) < MOST_FINDINGS:
            self.notes.append(Finding(kind, what, remedy, **about))
