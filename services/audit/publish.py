"""Puts an audit or a take's chain into the document that its file's name asks for.

Which module writes which format is known here and nowhere else; the modules are imported when they are needed.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from db.ledger import entry_texts
from db.releases import release_items
from services.audit.asking import AuditError
from services.audit.audit import Audit
from services.audit.certificate import Inclusion, certified_entry, write_certificate
from services.audit.chain import chain_in
from services.audit.disclosure import Disclosure, disclose, marking
from services.audit.files import Progress, format_of, write_json, write_table
from services.audit.jsons import chain_json
from services.audit.rows import ChainItem, TakeChain
from services.provenance.keys import KeyFolder
from services.provenance.merkle import inclusion_ranges, leaf_hash, proof
from services.storage.whole import whole_file

TAKE_FORMATS = (".prov.json", ".intoto.json", ".html", ".json")
CHECKPOINTS = "checkpoint"  # what the keys that sign them are for
STATEMENTS = "statement"
HOW_MADE = "How the music was made"
DISCLOSURES = {"steam": "Steam", "eu-ai-act": "EU AI Act"}


def write_audit(audit: Audit, target: Path, home: Path, keys: KeyFolder, told: Progress = lambda count: None) -> int:
    """Write a catalog's audit as the name of `target` asks; returns how many takes. Raises AuditError."""
    ending = format_of(target)
    if ending in (".parquet", ".csv"):
        return write_table(audit, home, target, told)
    if ending == ".json":
        return write_json(audit, home, target, told)
    if ending == ".intoto.json":
        return _write_statements(audit, target, keys, told)
    if ending == ".html":
        from services.audit.html import write_html

        write_html(target, audit.summary, audit.reader.rows(), keys.public_keys(CHECKPOINTS))
    else:
        from services.audit.prov import write_catalog

        write_catalog(target, audit.summary, audit.reader.rows())
    told(audit.summary.takes)
    return audit.summary.takes


def _write_statements(audit: Audit, target: Path, keys: KeyFolder, told: Progress) -> int:
    """A signed statement a line for every take that has a file (in-toto bundles are JSON Lines)."""
    from services.audit.intoto import envelope, take_statement

    key, count = keys.signing_key(STATEMENTS), 0
    with whole_file(target) as part, part.open("wb") as file:
        for row in audit.reader.rows():
            if row.master_sha256 is not None:
                file.write(envelope(take_statement(chain_in(audit, row.take)), key) + b"\n")
                count += 1
            told(1)
    return count


def write_chain(chain: TakeChain, title: str, target: Path, home: Path, keys: KeyFolder, session: Session) -> None:
    """Write one take's chain as the name of `target` asks: JSON, PROV, a signed statement, a certificate."""
    ending = format_of(target, TAKE_FORMATS)
    if ending == ".html":
        certify(chain, title, target, keys, session)
        return
    with whole_file(target) as part:
        part.write_bytes(_chain_bytes(chain, ending, home, keys))


def _chain_bytes(chain: TakeChain, ending: str, home: Path, keys: KeyFolder) -> bytes:
    if ending == ".prov.json":
        from services.audit.prov import take_document

        return take_document(chain).encode()
    if ending == ".intoto.json":
        from services.audit.intoto import envelope, take_statement

        try:
            return envelope(take_statement(chain), keys.signing_key(STATEMENTS)) + b"\n"
        except ValueError as error:
            raise AuditError(str(error)) from None
    return json.dumps(chain_json(chain, home), ensure_ascii=False, indent=2).encode() + b"\n"


def certify(chain: TakeChain, title: str, target: Path, keys: KeyFolder, session: Session) -> None:
    """Write the certificate of a take, with the proof that its entry is in the last signed tree where it is."""
    format_of(target, (".html", ".htm"))
    write_certificate(target, chain, title, inclusion(chain, session), keys.public_keys(CHECKPOINTS))


def inclusion(chain: TakeChain, session: Session) -> Inclusion | None:
    """The proof that the take's entry is in the tree of the last checkpoint; None where that is older.

    Reads the ledger up to the checkpoint once."""
    entry, head = certified_entry(chain), chain.ledger
    if entry is None or head.checkpoint_size is None or entry.sequence >= head.checkpoint_size:
        return None
    leaves = (leaf_hash(text.encode()) for text in entry_texts(session, end=head.checkpoint_size))
    path = proof(inclusion_ranges(entry.sequence, head.checkpoint_size), leaves)
    steps = tuple(step.hex() for step in path)
    return Inclusion(
        entry.sequence, entry.sha256, head.checkpoint_size, head.checkpoint_root or "", steps, head.checkpoint_key or ""
    )


def disclosure(audit: Audit, market: str) -> Disclosure:
    """What `market` (one of `DISCLOSURES`) asks of an open audit's catalog, and how the music was made."""
    found = disclose(audit.summary, audit.reader.rows(), marking(released_items(audit)))
    sections = tuple(part for part in found.sections if part.name in (HOW_MADE, DISCLOSURES[market]))
    return replace(found, sections=sections)


def released_items(audit: Audit) -> Iterator[ChainItem]:
    """The files that left an open audit's catalog, release by release."""
    for release in audit.summary.releases:
        for item in release_items(audit.session, release.id):
            yield ChainItem(
                release, item.path, item.role, item.media_type, item.sha256, item.bytes, item.source_sha256,
                item.judgement_id,
            )  # fmt: skip
