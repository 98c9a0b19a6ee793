"""`cueworks ledger` and `cueworks keys`: what is on record, signed, and provable to others."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli import output
from flows.cli.errors import Code, UsageError
from flows.cli.options import CatalogName, Json
from flows.cli.signing import open_to_record, signs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.ledger import EntryRow
    from services.provenance.keys import PublicKey
    from services.settings import Settings

ledger_app = typer.Typer(help="The record of what happened: show it, sign it, prove it.")
keys_app = typer.Typer(help="The keys that sign: show them, rotate them.")

C2PA, STATEMENT = "c2pa", "statement"  # beside the ledger's own key, that of checkpoints
MOST_DIGITS = 15
LARGEST_KEY = 64 * 1024


@ledger_app.command("show")
def show(
    subject: Annotated[
        str | None, typer.Argument(help="A take's id, or how it begins, or another subject.", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of entry: plan, take, review, ...")] = None,
    catalog: CatalogName = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last so many entries of the ledger.")] = None,
    json: Json = False,
) -> None:
    """List entries of the ledger, oldest first.

    With --json each with its body and the exact text that was hashed.
    """
    from db.engine import reading
    from db.ledger import entries, size
    from services.settings import Settings

    engine = Settings.from_environment().open_for_reading()
    wanted = _subject(engine, subject) if subject else None
    with reading(engine) as session:
        start = max(0, size(session) - last) if last else None
        rows = entries(session, subject=wanted, kind=kind, catalog=catalog, start=start)
        if json:
            output.print_json_rows(map(_entry_json, rows))
        else:
            output.print_table(["entry", "at", "kind", "catalog", "subject", "what"], map(_row, rows), ("what",))


@ledger_app.command("checkpoint")
def checkpoint(json: Json = False) -> None:
    """Sign the ledger as it is now; export the checkpoint.

    To CUEWORKS_HOME/checkpoints and every folder in CUEWORKS_CHECKPOINTS. Exit code 4, and nothing is signed, where
    the ledger does not continue what was signed before.
    """
    from services.provenance.checkpoints import checkpoint as sign
    from services.provenance.checkpoints import checkpoint_folders
    from services.provenance.keys import KeyFolder
    from services.settings import Settings

    settings = Settings.from_environment()
    folders = checkpoint_folders(settings.home, settings.checkpoints)
    signed = sign(settings.open_database(), KeyFolder(settings.keys), folders)
    if signed is None:
        output.print_json(None) if json else output.line("nothing is on record yet")
        return
    for warning in signed.warnings:
        output.note(f"warning: {warning}")
    head, files = signed.head, [str(path) for path in signed.files]
    if json:
        values = {"origin": head.origin, "entries": head.size, "root": head.root.hex(), "key": signed.key_id}
        output.print_json({**values, "made": signed.made, "files": files, "warnings": list(signed.warnings)})
        return
    done = "signed" if signed.made else "nothing new since the last checkpoint of"
    output.line(f"{done} {head.size} entries, root {head.root.hex()}, key {signed.key_id}")
    for path in files:
        output.line(f"  {path}")


@ledger_app.command("prove")
def prove(
    what: Annotated[str, typer.Argument(metavar="TAKE|ENTRY", help="A take's id or how it begins; an entry's number.")],
    since: Annotated[
        bool, typer.Option("--since", help="The number is a checkpoint's size: prove that the newest continues it.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the proof to this file.")] = None,
    json: Json = False,
) -> None:
    """Prove to others that something is on record.

    The proof is a JSON document that `cueworks ledger check-proof` checks without a database.
    """
    from services.provenance import proofs
    from services.settings import Settings

    engine = Settings.from_environment().open_for_reading()
    number = int(what) if what.isascii() and what.isdecimal() and len(what) <= MOST_DIGITS else None
    if since and number is None:
        raise UsageError(f"--since: {what!r} is no checkpoint's size; write a number of entries")
    if since:
        proof = proofs.prove_consistency(engine, number or 0)
    else:
        entry = proofs.take_sequence(engine, _take(engine, what)) if number is None else number
        proof = proofs.prove_entry(engine, entry)
    if out is None or json:
        output.print_json(proof)
    if out is not None:
        import json as text

        out.write_text(text.dumps(proof, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        output.note(f"written to {out.resolve()}")


@ledger_app.command("check-proof")
def check_proof(
    proof: Annotated[Path, typer.Argument(help="The proof, a JSON file.")],
    key: Annotated[
        list[Path] | None, typer.Option(help="The signer's public key (.vkey or .pub); may be given more than once.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a proof; needs no database.

    Trusted are the keys given, else those of the key folder. Exit code 4 where the proof does not hold.
    """
    from services.provenance.keys import KeyFolder
    from services.provenance.proofs import LARGEST
    from services.provenance.proofs import check_proof as check
    from services.settings import Settings

    trusted: list[Any] = [_read_key(path) for path in key or []]
    if not trusted:
        trusted = list(KeyFolder(Settings.from_environment().keys).public_keys())
    with proof.open("rb") as file:
        found = check(file.read(LARGEST + 1), trusted)
    head = found.head
    if json:
        tree = {"origin": head.origin, "entries": head.size, "root": head.root.hex()} if head else None
        values = {"ok": found.ok, "type": found.type, "reason": found.reason, "signer": found.signer}
        output.print_json({**values, "checkpoint": tree, "entry": found.entry})
    elif found.ok and head is not None:
        output.line(f"it holds: {found.type}, signed by key {found.signer} over {head.size} entries of {head.origin}")
        if found.entry:
            named = " ".join(str(found.entry.get(name)) for name in ("kind", "subject", "at"))
            output.line(f"entry {found.entry.get('sequence')}: {named}")
    else:
        output.line(f"it does not hold: {found.reason}")
    if not found.ok:
        raise typer.Exit(Code.DIFFERENT)


@keys_app.command("show")
def show_keys(json: Json = False) -> None:
    """List the public keys, oldest first. Private keys are never shown."""
    from services.provenance.keys import KeyFolder
    from services.settings import Settings

    folder = KeyFolder(Settings.from_environment().keys)
    found = folder.public_keys()
    current = {key.id for purpose in folder.purposes() if (key := folder.current(purpose))}
    if json:
        output.print_json([{**key.as_json(), "current": key.id in current} for key in found])
        return
    rows = ([key.purpose, key.id, _time(key), "yes" if key.id in current else "", _public(key)] for key in found)
    output.print_table(["purpose", "key", "since", "in use", "public"], rows)


@keys_app.command("rotate")
def rotate(
    purpose: Annotated[str, typer.Argument(help="checkpoint, statement or c2pa.")] = "checkpoint", json: Json = False
) -> None:
    """Put a new key in the place of the one in use.

    The old key signs the new one, and both go on record. The old private key is gone; its public half stays. c2pa is
    the local certificate authority that signs released files: its old certificate stays known.
    """
    from services.provenance.checkpoints import PURPOSE
    from services.settings import Settings

    settings = Settings.from_environment()
    if purpose == C2PA:
        _rotate_authority(settings, json)
        return
    if purpose not in (PURPOSE, STATEMENT):
        raise UsageError(f"{purpose!r:.80}: keys are for {PURPOSE}, {STATEMENT} and {C2PA}")
    old, new = _rotate_key(settings, purpose)
    if json:
        output.print_json({"old": old.as_json(), "new": new.as_json()})
    else:
        output.line(f"key {new.id} takes the place of {old.id} for {purpose}")


def _rotate_key(settings: "Settings", purpose: str) -> "tuple[PublicKey, PublicKey]":
    from db.engine import reading
    from db.ledger import check_clock
    from services.provenance.checkpoints import PURPOSE, announce
    from services.provenance.keys import KeyFolder

    engine, keys = open_to_record(settings), KeyFolder(settings.keys)
    with reading(engine) as session:
        check_clock(session)
    old, new = keys.rotate(purpose)
    if purpose != PURPOSE:  # that one goes on record with the checkpoint that it signs
        announce(engine, keys, purpose)
    signs(settings, engine)()
    return old, new


def _rotate_authority(settings: "Settings", json: bool) -> None:
    from services.provenance.credentials import rotate as renew

    root = renew(settings.keys / C2PA)
    output.print_json({"root": root}) if json else output.line(f"a new local certificate authority signs now: {root}")


def _subject(engine: "Engine", name: str) -> str:
    """A subject as it is on record, or the take whose id begins so."""
    from db.engine import reading
    from db.ledger import entries

    with reading(engine) as session:
        if next(entries(session, subject=name), None) is not None:
            return name
    return _take(engine, name)


def _take(engine: "Engine", name: str) -> str:
    from services.catalog.listing import find_take

    return find_take(engine, name).id


def _read_key(path: Path) -> Any:
    """A key of either kind of file. Raises UsageError."""
    import json as text

    from services.provenance.keys import PublicKey
    from services.provenance.notes import read_verifier_key

    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_KEY).decode()
        return PublicKey.from_json(text.loads(data)) if data.lstrip().startswith("{") else read_verifier_key(data)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--key {path}: {error}; give a .vkey or .pub file") from None


def _entry_json(row: "EntryRow") -> dict[str, Any]:
    import json as text

    try:
        body = text.loads(row.entry)["body"]
    except (ValueError, LookupError, TypeError, RecursionError):
        body = None
    values = {name: getattr(row, name) for name in ("sequence", "kind", "catalog", "subject", "sha256", "previous")}
    return {**values, "at": row.at.isoformat(), "body": body, "entry": row.entry}


def _row(row: "EntryRow") -> list[object]:
    body = _entry_json(row)["body"]
    what = ", ".join(_told(body)) if isinstance(body, dict) else "damaged"
    return [row.sequence, f"{row.at:%Y-%m-%d %H:%M:%S}", row.kind, row.catalog, row.subject[:16], what]


def _told(body: dict[str, Any]) -> Iterator[str]:
    """What of a body fits in a line."""
    for name, value in sorted(body.items()):
        if isinstance(value, str | int | float) and name not in ("statement", "log"):
            yield f"{name} {value:.60}" if isinstance(value, str) else f"{name} {value}"
        elif name == "rows" and isinstance(value, dict):
            yield "rows of " + ", ".join(f"{table} {len(keyed)}" for table, keyed in sorted(value.items()))


def _time(key: "PublicKey") -> str:
    return f"{key.since:%Y-%m-%d %H:%M:%S}"


def _public(key: "PublicKey") -> str:
    return str(key.as_json()["public"])
