"""The certificate of one take: a page or two of A4 that say what a file is, who may use it, why, and how to check that.

It goes along with a file to people who have neither the catalog nor this program, so it carries the digests, the
licence facts, and the proof that its ledger entry is in a signed tree. It shows what it is given and holds no time of
its own: the same chain gives the same bytes. Reasons, duties and facts are all told, each once, on a second page where
they need one; what people put in is cut after `MOST`, files after `MOST_FILES`, the prompt after `LONGEST_PROMPT`, and
each says so.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.audit.documents import environment, licensee_words, strictest, styled, take_name
from services.audit.html import ShownKey, Step
from services.audit.origins import KIND_WORDS, origin_of
from services.audit.rows import ChainEntry, ChainItem, Released, TakeChain
from services.provenance.keys import PublicKey
from services.provenance.merkle import leaf_hash, verify_inclusion
from services.provenance.notes import read_note, read_tree_head
from services.storage.whole import whole_file

MOST = 3
MOST_FILES = 24
LONGEST_PROMPT = 500
LONGEST_NOTE = 120
MUSIC = ("mix", "stem", "midi")  # roles of files, what people listen to first
SIDECAR = "credentials:"


@dataclass(frozen=True)
class Inclusion:
    """That entry `sequence` is in the signed tree of `tree_size` entries with root `root` (hex).

    `path` is the RFC 9162 proof, leaf to root, hex; `key_id` names the key that signed the tree."""

    sequence: int
    entry_sha256: str
    tree_size: int
    root: str
    path: tuple[str, ...]
    key_id: str

    @classmethod
    def of(cls, proof: Mapping[str, Any], key_id: str) -> "Inclusion":
        """From an inclusion proof as `services.provenance.proofs.prove_entry` makes it, signed by the key `key_id`.

        Raises ValueError where it is none."""
        try:
            head, entry = read_tree_head(read_note(proof["checkpoint"]).text), str(proof["entry"])
            index, path = int(proof["index"]), tuple(map(str, proof["path"]))
        except (LookupError, TypeError) as error:
            raise ValueError(f"this is no inclusion proof ({type(error).__name__})") from None
        return cls(index, sha256(entry.encode()).hexdigest(), head.size, head.root.hex(), path, key_id)

    def fault(self, entry: str) -> str | None:
        """Why this does not prove that the entry with exactly this text is in the tree; None where it does."""
        try:
            path, root = [bytes.fromhex(step) for step in self.path], bytes.fromhex(self.root)
        except ValueError:
            return "the proof is not written in hex"
        return verify_inclusion(self.sequence, self.tree_size, leaf_hash(entry.encode()), path, root)


@dataclass(frozen=True)
class LeftFile:
    """A file that left; `beside` the names of what lies with it, such as its credentials."""

    item: ChainItem
    beside: tuple[str, ...]


@dataclass(frozen=True)
class CalledBack:
    """A release that was withdrawn; `by` is None where the ledger does not tell."""

    release: Released
    by: str | None


@dataclass(frozen=True)
class _Prompt:
    shown: str
    cut: bool


def write_certificate(
    path: Path,
    chain: TakeChain,
    title: str | None = None,
    inclusion: Inclusion | None = None,
    keys: Sequence[PublicKey] = (),
) -> Path:
    """Write the certificate of `chain` to `path`, which appears whole or not at all.

    `title` is the catalog's; `keys` are the public keys that sign checkpoints. Raises ValueError for an inclusion
    proof that does not hold for an entry of this take, OSError where the file cannot be written."""
    text = certificate_text(chain, title, inclusion, keys)
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path


def certificate_text(
    chain: TakeChain,
    title: str | None = None,
    inclusion: Inclusion | None = None,
    keys: Sequence[PublicKey] = (),
) -> str:
    """The certificate as `write_certificate` writes it."""
    if inclusion:
        _check(chain, inclusion)
    row, asked = chain.row, chain.asked
    said: dict[str, Any] = {
        "chain": chain, "row": row, "asked": asked, "title": title, "name": take_name(row),
        "licensee": licensee_words(asked.licensee_kind, asked.revenue), "inclusion": inclusion,
        "entry": certified_entry(chain), "keys": [ShownKey(key.id, key.since, key.raw.hex()) for key in keys],
        "prompt": _Prompt(row.prompt[:LONGEST_PROMPT], len(row.prompt) > LONGEST_PROMPT),
        "origin": origin_of(row.generator, chain.card, chain.facts), "kind_words": KIND_WORDS, "most": MOST,
        "longest": LONGEST_NOTE, "steps": _steps(chain, inclusion), "files": left_files(chain.items),
        "most_files": MOST_FILES, "called_back": called_back(chain),
        "reasons": list(dict.fromkeys(strictest(row.judged.reasons))),
        "duties": list(dict.fromkeys(row.judged.duties)),
    }  # fmt: skip
    return environment().get_template("certificate.html").render(**styled("paper.css", "certificate.css"), **said)


def left_files(items: Sequence[ChainItem]) -> list[LeftFile]:
    """Files that left, the music first: standing releases before withdrawn ones, mixes, stems, then what goes along.

    Credentials are told with the file that they lie beside."""
    sidecars = [item for item in items if item.role.startswith(SIDECAR)]
    names = {(item.release.id, item.path.removesuffix(".c2pa")): item.path.rsplit("/", 1)[-1] for item in sidecars}
    files = [item for item in items if not item.role.startswith(SIDECAR)]
    held = {(item.release.id, item.path) for item in files}
    lone = [item for item in sidecars if (item.release.id, item.path.removesuffix(".c2pa")) not in held]
    found = ((item, names.get((item.release.id, item.path))) for item in sorted((*files, *lone), key=_place))
    return [LeftFile(item, (beside,) if beside else ()) for item, beside in found]


def _place(item: ChainItem) -> tuple[Any, ...]:
    rank = next((number for number, role in enumerate(MUSIC) if item.role.split(":")[0] == role), len(MUSIC))
    release = item.release
    return (release.withdrawn_at is not None, rank, release.at, release.id, item.media_type != "audio/flac", item.path)


def called_back(chain: TakeChain) -> list[CalledBack]:
    """The withdrawn releases that the take is part of, with who called them back, as the ledger has it."""
    gone = {item.release.id: item.release for item in chain.items if item.release.withdrawn_at is not None}
    gone |= {release.id: release for release in chain.row.releases if release.withdrawn_at is not None}
    said = {entry.subject: _who(entry) for entry in chain.entries if entry.kind == "withdrawal"}
    return [CalledBack(release, said.get(id_)) for id_, release in gone.items()]


def _who(entry: ChainEntry) -> str | None:
    try:
        by = json.loads(entry.entry)["body"]["by"]
    except (ValueError, LookupError, TypeError):
        return None
    return str(by) if by else None


def certified_entry(chain: TakeChain) -> ChainEntry | None:
    """The ledger entry that a certificate rests on: the last that recorded a sound, else the last about the take."""
    about = [entry for entry in chain.entries if entry.subject == chain.row.take]
    recorded = [entry for entry in about if entry.kind == "take" and '"status":"done"' in entry.entry]
    return next(reversed(recorded or about), None)


def _check(chain: TakeChain, inclusion: Inclusion) -> None:
    entry = next((entry for entry in chain.entries if entry.sequence == inclusion.sequence), None)
    if entry is None or entry.subject != chain.row.take or entry.sha256 != inclusion.entry_sha256:
        raise ValueError(f"the proof is about entry {inclusion.sequence}, which is none of take {chain.row.take}")
    if fault := inclusion.fault(entry.entry):
        raise ValueError(f"the proof of entry {inclusion.sequence} does not hold: {fault}; run `cueworks verify`")


def _steps(chain: TakeChain, inclusion: Inclusion | None) -> list[Step]:
    """What a holder of the file, of a copy of the catalog, or of both can do."""
    copy = "CUEWORKS_HOME=COPY cueworks"
    steps = [
        Step("The file: one of the digests above.", "sha256sum FILE"),
        Step("The sound, also cut or re-encoded, against a copy of the catalog.", f"{copy} trace FILE"),
        Step("Files, ledger, checkpoints of the copy.", f"{copy} verify {shlex.quote(chain.row.catalog)}"),
    ]
    if inclusion:
        query = f"select entry from ledger_entry where sequence = {inclusion.sequence}"
        by_hand = f"sqlite3 COPY/cueworks.db '{query}' | tr -d '\\n' | sha256sum"
        steps.append(Step("The ledger's entry by hand.", by_hand))
    return steps
