"""The signature of a release: a signed note (c2sp.org/signed-note) over its manifest's digest, by the ledger's own key.

Rules:
- What is signed begins with what it is, so that no note of a release can pass for a checkpoint, nor one for the other.
- The manifest lists the digest of every other file, so the note stands for the whole folder.
- A signature by a key that is not known vouches for nothing, and that is told; a wrong one by a known key is a fault.

Nothing here reads a file or a private key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from services.delivery.errors import DeliveryError
from services.provenance.checkpoints import PURPOSE
from services.provenance.keys import PublicKey
from services.provenance.notes import NoteError, read_note, read_verifier_key, signers

WHAT = "cueworks release manifest v1"


@dataclass(frozen=True)
class Vouched:
    """What a note is worth: `fault` where it is none of this manifest; `by` the id of the known key that signed."""

    fault: str | None = None
    by: str | None = None


def statement(manifest: bytes) -> str:
    """The text that is signed for a manifest."""
    return f"{WHAT}\n{sha256(manifest).hexdigest()}\n"


def vouched(manifest: bytes, note: bytes, keys: Iterable[PublicKey]) -> Vouched:
    """Whether one of `keys` signed `manifest`; never raises, whatever the note is."""
    try:
        read = read_note(note.decode())
    except (NoteError, UnicodeDecodeError):
        return Vouched("is no signed note")
    if read.text != statement(manifest):
        return Vouched("signs another manifest")
    known, by = tuple(keys), None
    for name in dict.fromkeys(signature.name for signature in read.signatures):
        found, wrong = signers(read, name, known)
        if wrong:
            return Vouched("holds a wrong signature by a key that is known")
        by = by or next((key.id for key in found), None)
    return Vouched(by=by)


def key_of(text: str) -> PublicKey:
    """The public key of a `.vkey` file, as checkpoints are exported with. Raises DeliveryError."""
    try:
        _, raw = read_verifier_key(text)
    except NoteError as error:
        raise DeliveryError(f"--key: {error}; give the KEY.vkey that lies beside the signer's checkpoints") from None
    return PublicKey(PURPOSE, raw, datetime.min.replace(tzinfo=UTC))
