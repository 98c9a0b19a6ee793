"""The ledger's chain, held entry by entry to its own text, to the entry before, and to what was signed.

A pure fold over rows in sequence: nothing here reads a database, and memory does not grow with their number.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from db.canonical import text_time
from db.ledger import CLOCK_TOLERANCE, NOTHING_BEFORE, EntryRow, frame
from services.provenance.findings import Report
from services.provenance.merkle import Frontier, leaf_hash
from services.provenance.notes import TreeHead


@dataclass(frozen=True)
class Claim:
    """That the tree of `head.size` entries had `head.root`, and who says so."""

    head: TreeHead
    where: str
    exported: bool

    def told(self) -> str:
        time = f" at {text_time(self.head.at)}" if self.head.at else ""
        return f"{self.where} signed {self.head.size}{time}"


class Chain:
    """Takes entries in sequence, holds each to its text and to the one before, and the tree to what was signed."""

    def __init__(self, report: Report, claims: Mapping[int, Sequence[Claim]]) -> None:
        self._report, self._claims = report, claims
        self._frontier = Frontier()
        self._last: EntryRow | None = None
        self._links = [{NOTHING_BEFORE}]  # digests the last entry may be named by, then the one before it
        self._shift = 0
        self._agreed = 0
        self._forked = False
        self.count = 0

    def add(self, row: EntryRow) -> None:
        data = row.entry.encode()
        digest = sha256(data).hexdigest()
        self._check_number(row)
        if digest != row.sha256:
            what = f"entry {row.sequence} was changed: its text is not what its digest says"
            self._tell("changed", what, row, expected=row.sha256, found=digest)
        head, tail = frame(text_time(row.at), row.catalog, row.kind, row.previous, row.sequence, row.subject)
        if not (data.startswith(head) and data.endswith(tail)):
            self._check_columns(row)
        self._check_link(row)
        if self._last is not None and self._last.at - row.at > CLOCK_TOLERANCE:
            self._note_clock(self._last, row)
        self._links = [{digest, row.sha256}, *self._links[:1]]
        self._last = row
        self.count += 1
        self._frontier.append(leaf_hash(data))
        for claim in self._claims.get(self._frontier.size, ()):
            self._check_claim(claim)

    def close(self) -> int:
        """Hold what is left against the ledger's end; returns how many entries good checkpoints cover."""
        beyond = [claim for tree_size, found in self._claims.items() if tree_size > self.count for claim in found]
        if beyond:
            self._tell_beyond(max(beyond, key=lambda claim: (claim.head.size, not claim.exported)))
        return self._agreed

    def _tell_beyond(self, claim: Claim) -> None:
        if claim.exported:
            kind, why = "rollback", "the database was restored from an older state"
        else:
            kind, why = "truncated", "the end of the ledger is missing"
        what = f"{why}: it has {self.count} entries, {claim.told()}"
        self._report.problem(kind, what, expected=str(claim.head.size), found=str(self.count), sequence=self.count)

    def _check_number(self, row: EntryRow) -> None:
        expected = self._last.sequence + 1 if self._last is not None else 0
        if row.sequence < 0:
            self._tell("inserted", f"entry {row.sequence} was inserted before the first", row)
        elif row.sequence > max(expected, 0):
            last = row.sequence - 1
            span = f"entry {last} is" if last == expected else f"entries {expected} to {last} are"
            self._report.problem("missing", f"{span} missing", sequence=expected)

    def _check_columns(self, row: EntryRow) -> None:
        """Which columns are not what the text says."""
        try:
            said = json.loads(row.entry)
            columns = {name: said[name] for name in ("at", "catalog", "kind", "previous", "sequence", "subject")}
        except (ValueError, LookupError, TypeError, RecursionError):
            self._tell("changed", f"entry {row.sequence} is no entry: its text cannot be read", row)
            return
        shift = row.sequence - columns["sequence"] if type(columns["sequence"]) is int else 0
        if shift and shift != self._shift:
            what = f"entry {row.sequence} says it is entry {columns['sequence']}"
            about = {"expected": str(columns["sequence"]), "found": str(row.sequence)}
            self._tell("reordered", f"{what}: entries were reordered, inserted or removed", row, **about)
        self._shift = shift
        held = {name: getattr(row, name) for name in columns} | {"at": text_time(row.at)}
        wrong = [name for name in columns if columns[name] != held[name] and name != "sequence"]
        if wrong:
            expected, found = (", ".join(str(values[name]) for name in wrong) for values in (columns, held))
            what = f"entry {row.sequence}: {', '.join(wrong)} of the row are not what its text says"
            self._tell("columns", what, row, expected=expected, found=found)
        elif not shift:
            self._tell("changed", f"entry {row.sequence} is not written in canonical JSON", row)

    def _check_link(self, row: EntryRow) -> None:
        if row.previous in self._links[0] or (self._last is not None and row.sequence > self._last.sequence + 1):
            return
        last = self._last
        if last is not None and len(self._links) > 1 and row.previous in self._links[1]:
            what = f"entry {last.sequence} was inserted: the next one follows the one before it"
            self._tell("inserted", what, last)
            return
        before = "nothing" if last is None else f"entry {last.sequence}"
        what = f"entry {row.sequence} does not follow {before}: one of them was changed, inserted or moved"
        found = NOTHING_BEFORE if last is None else last.sha256
        self._tell("broken", what, row, expected=row.previous, found=found)

    def _note_clock(self, last: EntryRow, row: EntryRow) -> None:
        before = f"entry {last.sequence} ({text_time(last.at)})"
        what = f"entry {row.sequence} was recorded at {text_time(row.at)}, before {before}"
        remedy = "a machine's clock ran backwards or was behind; check it"
        self._report.note("clock", what, remedy, sequence=row.sequence, subject=row.subject)

    def _check_claim(self, claim: Claim) -> None:
        root = self._frontier.root()
        if root == claim.head.root:
            self._agreed = claim.head.size
            return
        if self._forked:
            return  # every later one differs too
        self._forked = True
        what = f"entries {self._agreed} to {claim.head.size - 1} are not those that {claim.told()}"
        expected = claim.head.root.hex()
        self._report.problem("fork", what, expected=expected, found=root.hex(), sequence=self._agreed)

    def _tell(self, kind: str, what: str, row: EntryRow, **about: str) -> None:
        self._report.problem(kind, what, sequence=row.sequence, subject=row.subject, **about)
