"""The audit report for a person: one HTML file, readable on paper, that says what may be done, why, and how to check.

It shows the rows it is given: it never reads a database and never judges. Rows stream through it, so a million takes
cost no more memory than one; beyond `MOST_TAKES` only those that are refused or unknown are listed. What is not on
record is said to be missing.
"""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from services.audit.documents import environment, licensee_words, styled, take_name
from services.audit.origins import KIND_WORDS, Origin, origins
from services.audit.rows import AuditRow, AuditSummary
from services.provenance.keys import PublicKey
from services.storage.whole import whole_file

MOST_TAKES = 2_000
STOPPING = ("refused", "unknown")
_PIECES = 64  # of the template, joined before they are written


@dataclass(frozen=True)
class Step:
    """One thing that a reader can do alone: `command` is what to type in a shell."""

    what: str
    command: str


@dataclass(frozen=True)
class ShownKey:
    """A public key as it is printed: `text` is its 32 bytes in hex."""

    id: str
    since: Any
    text: str


class Listing:
    """The takes a report lists: all of them, or beyond `most` those that stop a release, at most `most`.

    It reads no further than to the last of them: a large catalog in which nothing stops costs nothing."""

    def __init__(self, summary: AuditSummary, rows: Iterable[AuditRow], most: int) -> None:
        self._rows = rows
        self._wanted = min(most, self._stopping(summary))
        self.cut = summary.takes > most
        self.left_out = self._stopping(summary) - self._wanted

    def __iter__(self) -> Iterator[AuditRow]:
        if not self.cut:
            return iter(self._rows)
        return islice((row for row in self._rows if row.judged.answer in STOPPING), self._wanted)

    @staticmethod
    def _stopping(summary: AuditSummary) -> int:
        return sum(summary.by_answer.get(answer, 0) for answer in STOPPING)


def write_html(
    path: Path,
    summary: AuditSummary,
    rows: Iterable[AuditRow],
    keys: Sequence[PublicKey] = (),
    most_takes: int = MOST_TAKES,
) -> Path:
    """Write the report of `summary` and its takes to `path`, which appears whole or not at all.

    `keys` are the public keys that sign checkpoints. Raises OSError where it cannot be written."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for text in html_pieces(summary, rows, keys, most_takes):
            file.write(text)
    return path


def html_pieces(
    summary: AuditSummary,
    rows: Iterable[AuditRow],
    keys: Sequence[PublicKey] = (),
    most_takes: int = MOST_TAKES,
) -> Iterator[str]:
    """The report piece by piece, as `write_html` writes it."""
    listing = Listing(summary, rows, most_takes)
    stream = environment().get_template("report.html").stream(
        **styled("paper.css", "report.css"), **_said(summary), rows=listing, listing=listing, cut=listing.cut,
        most=most_takes, keys=[ShownKey(key.id, key.since, key.raw.hex()) for key in keys],
    )  # fmt: skip
    stream.enable_buffering(_PIECES)
    yield from stream


def _said(summary: AuditSummary) -> dict[str, Any]:
    """What the template is told of the catalog as a whole."""
    known = origins(summary.generators, summary.facts)
    return {
        "summary": summary,
        "asked": summary.asked,
        "licensee": licensee_words(summary.asked.licensee_kind, summary.asked.revenue),
        "known": {fact.id for fact in summary.facts},
        "origins": known,
        "made": made_by_kind(summary, known),
        "kind_words": KIND_WORDS,
        "stopped": [total for total in summary.generators if total.judged.answer in STOPPING],
        "stopping": STOPPING,
        "duties": _duties(summary),
        "name": take_name,
        "catalog_word": shlex.quote(summary.asked.catalog),
        "steps": steps(summary),
    }


def made_by_kind(summary: AuditSummary, known: Mapping[tuple[str, str], Origin]) -> dict[str, int]:
    """Takes by the kind of their generator, in the order of `KINDS`; kinds without takes are left out."""
    counted: Counter[str] = Counter()
    for total in summary.generators:
        counted[known[total.generator, total.revision].kind] += total.takes
    return {kind: counted[kind] for kind in KIND_WORDS if counted[kind]}


def _duties(summary: AuditSummary) -> dict[str, list[str]]:
    """The generators that each duty comes with, in order of first appearance. What is refused comes with none."""
    duties: dict[str, list[str]] = {}
    for total in (total for total in summary.generators if total.judged.answer != "refused"):
        for duty in total.judged.duties:
            named = duties.setdefault(duty, [])
            if total.generator not in named:
                named.append(total.generator)
    return duties


def steps(summary: AuditSummary) -> list[Step]:
    """What a reader can do to check a report, with a copy of the home folder in `COPY`."""
    catalog = shlex.quote(summary.asked.catalog)
    return [
        Step(
            "Every file against its digest, every row against the ledger, every checkpoint against its signature and "
            "tree. Put checkpoints and public keys that you were given earlier beside it: a database put back to an "
            "older state is then found too.",
            f"CUEWORKS_HOME=COPY cueworks verify {catalog}",
        ),
        Step("This report again, from the copy.", f"CUEWORKS_HOME=COPY {audit_command(summary)}"),
        Step(
            "One master by hand: the digest must be the one under File of its take.",
            "sha256sum COPY/PATH-OF-THE-MASTER",
        ),
        Step(
            "One link of the ledger by hand, here the last one: its digest must be the one above, and the entry names "
            "the digest of the one before.",
            "sqlite3 COPY/cueworks.db 'select entry from ledger_entry order by sequence desc limit 1' "
            "| tr -d '\\n' | sha256sum",
        ),
        Step("Whose sound a file is, also one that was cut or re-encoded.", "CUEWORKS_HOME=COPY cueworks trace FILE"),
        Step("A release as it was handed over, against its manifest.", "cueworks release --check FOLDER"),
    ]


def audit_command(summary: AuditSummary) -> str:
    """The command that asks this report's question again."""
    asked = summary.asked
    words = ["cueworks", "audit", asked.catalog, "--use", asked.use]
    words += ["--licensee", asked.licensee_kind] if asked.licensee_kind else []
    words += ["--revenue", f"{asked.revenue:.15g}"] if asked.revenue is not None else []
    words += ["--as-of", asked.as_of.isoformat(), "--known-at", asked.known_at.isoformat(), "--out", "again.html"]
    return shlex.join(words)
