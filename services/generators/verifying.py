"""Registered checkpoints against what is on record of them: every file hashed again, tags asked again.

What is in use must be there as it was recorded; of older revisions only what is gone is told, for folders are filled
anew. Nothing is written, and nothing is downloaded: a hub is only asked what a tag means now.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.registrations import HUB, RegistrationRow
from models.families import CheckpointError, family_of_format
from models.pinning import paths_of
from services.generators import hub
from services.generators.errors import RegisterError
from services.generators.files import FileFacts, Progress, read_all
from services.generators.known import KnownGenerators, add_command, row_revision, stamp_of

MISSING, CHANGED, UNREADABLE, UNEXPECTED = "missing", "changed", "unreadable", "new"


@dataclass(frozen=True)
class FileFinding:
    """A file that is not as it was recorded: `kind` is missing, changed, unreadable or new."""

    file: str
    kind: str
    text: str


@dataclass(frozen=True)
class Verification:
    """What was found of one generator. `tag` is what is known of a hub's tag; `notes` are no differences."""

    generator: str
    revision: str
    digest: str
    files: int
    findings: tuple[FileFinding, ...]
    tag: str
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.findings


def _folders(row: RegistrationRow) -> tuple[Path, Path | None, Path | None]:
    text_encoder, codec = (Path(part) if part else None for part in (row.text_encoder, row.codec))
    return Path(row.folder), text_encoder, codec


def paths_of_row(row: RegistrationRow) -> dict[str, Path]:
    """Where each recorded file lies; the names are those of digests and stamps."""
    return paths_of(row.files, *_folders(row))


def bytes_of(rows: Sequence[RegistrationRow]) -> int:
    """How many bytes a verification of these will read."""
    return sum(int(fact["bytes"]) for row in rows for fact in row.files.values())


def verify(known: KnownGenerators, name: str, progress: Progress = lambda count: None) -> Verification:
    """Hold the files of a registered generator to their digests; `progress` is told of bytes."""
    held = known.rows(name)
    row = held[-1]
    findings = list(_findings(row, progress))
    notes = [*_times(row, findings), *_older(held)]
    return Verification(name, row_revision(row), row.digest, len(row.files), tuple(findings), _tag(row), tuple(notes))


def _findings(row: RegistrationRow, progress: Progress) -> Iterator[FileFinding]:
    paths = paths_of_row(row)
    read = read_all({name: path for name, path in paths.items() if path.is_file()}, progress)
    for name, path in paths.items():
        fact = read.get(name)
        if fact is None:
            yield FileFinding(name, MISSING, f"{path}: is not there; put it back, or `{add_command(row)}`")
        elif isinstance(fact, str):
            yield FileFinding(name, UNREADABLE, fact)
        elif fact.sha256 != row.files[name]["sha256"]:
            yield FileFinding(name, CHANGED, _changed(path, fact, row.files[name]))
    yield from _unexpected(row)


def _changed(path: Path, fact: FileFacts, recorded: Mapping[str, object]) -> str:
    sizes = f", {recorded['bytes']} bytes then, {fact.bytes} now" if recorded["bytes"] != fact.bytes else ""
    what = f"{path}: is not the file that was registered (SHA-256 {str(recorded['sha256'])[:16]}... then, "
    return f"{what}{fact.sha256[:16]}... now{sizes}); put it back, or register what is there as a new revision"


def _unexpected(row: RegistrationRow) -> Iterator[FileFinding]:
    """Files that would be loaded now and were not there when the digest was taken."""
    try:
        summary = family_of_format(row.format).inspected(*_folders(row))
    except (CheckpointError, OSError):
        return  # what makes it unusable was changed or is missing, and is told above
    for name in sorted(summary.files.keys() - row.files.keys()):
        text = f"{summary.files[name]}: was not there when the checkpoint was registered; take it away"
        yield FileFinding(name, UNEXPECTED, text)


def _times(row: RegistrationRow, findings: Sequence[FileFinding]) -> Iterator[str]:
    """Files that are the same but were touched are hashed again at every start: worth a word."""
    if findings:
        return
    now = {name: path.stat() for name, path in paths_of_row(row).items()}
    touched = [name for name, (size, time) in stamp_of(row).items() if now[name].st_mtime_ns != time]
    if touched:
        what = f"{row.generator}: {len(touched)} files have another time than was recorded and the same content"
        yield f"{what}; `{add_command(row)}` records the times, or every start hashes them again"


def _older(held: Sequence[RegistrationRow]) -> Iterator[str]:
    newest = {row.digest: row for row in held}
    for digest, row in newest.items():
        if digest == held[-1].digest:
            continue
        paths = paths_of_row(row)
        gone = [name for name, (size, _) in stamp_of(row).items()
                if not paths[name].is_file() or paths[name].stat().st_size != size]  # fmt: skip
        replaced = not gone and row.folder == held[-1].folder
        if gone or replaced:
            what = f"{row.generator}: the files of its older revision {row_revision(row)} are not at {row.folder} now"
            yield f"{what}; takes made with it can be reproduced once they are registered again"


def _tag(row: RegistrationRow) -> str:
    """What is known of a tag or branch of a hub today; "" where a checkpoint came from none."""
    if row.origin != HUB:
        return ""
    if hub.COMMIT.fullmatch(row.asked_revision):
        return "a commit never moves"
    if hub.is_offline():
        return "not checked, offline"
    try:
        now = hub.commit_of(row.source, row.asked_revision)
    except RegisterError as error:
        return f"not checked: {error}"
    if now == row.commit_id:
        return "unchanged"
    what = f"moved: {row.asked_revision} meant {row.commit_id} when it was registered and means {now} now"
    return f"{what}; `cueworks models add {row.source} --revision {now}` takes the new one"
