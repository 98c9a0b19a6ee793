"""What deliveries work through on this machine: the policy, the signer, the fingerprints, the ledger's checkpoints.

Opening it makes no key and asks nothing; the first release does.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from db.engine import reading
from db.ledger import first_entry
from services.delivery.checking import Carried
from services.delivery.policy_gate import PolicyGate
from services.delivery.release import Near, Tools
from services.delivery.vouching import key_of
from services.provenance.checkpoints import (
    BROKEN,
    PURPOSE,
    LedgerBrokenError,
    log_origin,
)
from services.provenance.credentials import (
    Aigc,
    Claim,
    Signed,
    Signer,
    SignerOptions,
    Trust,
    open_signer,
    read_file,
    sign_file,
)
from services.provenance.keys import KeyFolder, PublicKey
from services.provenance.notes import sign

C2PA = "c2pa"
LONGEST_KEY = 4096


def open_tools(engine: Engine, keys: Path, settled: Callable[[], object]) -> Tools:
    """The tools of a catalog. `keys` is the folder of private keys; `settled` signs the ledger once all is recorded."""

    @cache
    def signer() -> Signer:
        return open_signer(keys / C2PA, SignerOptions.from_environment())

    def seal(source: Path, target: Path, claim: Claim, aigc: Aigc | None) -> Signed:
        return sign_file(source, target, claim, signer(), aigc=aigc)

    def near(catalog: str, ids: Sequence[str]) -> list[Near]:
        from services.provenance.fingerprints.near import near_duplicates

        found = (one for one in near_duplicates(engine, catalog) if {one.take, one.other} <= set(ids))
        return [Near(one.take, one.other, one.similarity, one.text) for one in found]

    def vouch(text: str) -> str:
        with reading(engine) as session:
            first = first_entry(session)
        if first is None:
            raise LedgerBrokenError(f"the ledger is empty although takes were made; {BROKEN}")
        return sign(text, log_origin(first), KeyFolder(keys).signing_key(PURPOSE))

    return Tools(PolicyGate(), seal, near, settled, vouch)


def carried(keys: Path) -> Callable[[Path], Carried]:
    """Reads what a file's credentials say; signatures of the keys here count as ours, others are named."""
    trust = Trust(keys / C2PA)

    def read(path: Path) -> Carried:
        found = read_file(path, trust=trust)
        if not found.whole:
            return Carried("; ".join(found.reasons) or "there are none")
        said = found.claim or {}
        who = found.signer if found.ours else f"{found.signer or 'an unnamed signer'} (not known here)"
        return Carried(None, found.take_id, said.get("master_sha256"), who)

    return read


def trusted_keys(keys: Path, given: Path | None = None) -> tuple[PublicKey, ...]:
    """The public keys that vouch for releases: those of the folder `keys`, or the one of the file `given` alone.

    Raises DeliveryError, UnusableKeyError; OSError goes through."""
    if given is None:
        return KeyFolder(keys).public_keys(PURPOSE)
    with given.open("rb") as file:
        return (key_of(file.read(LONGEST_KEY).decode("utf-8", "replace")),)
