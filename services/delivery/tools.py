"""What deliveries work through on this machine: the policy, the signer, the fingerprints, the ledger's checkpoints.

Opening it makes no key and asks nothing; the first release does.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from services.delivery.checking import Carried
from services.delivery.policy_gate import PolicyGate
from services.delivery.release import Near, Tools
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

C2PA = "c2pa"


def open_tools(engine: Engine, home: Path, keys: Path, checkpoints: Sequence[Path] = ()) -> Tools:
    """The tools of a home. `keys` is the folder of private keys, `checkpoints` further folders for checkpoints."""

    @cache
    def signer() -> Signer:
        return open_signer(keys / C2PA, SignerOptions.from_environment())

    def seal(source: Path, target: Path, claim: Claim, aigc: Aigc | None) -> Signed:
        return sign_file(source, target, claim, signer(), aigc=aigc)

    def near(catalog: str, ids: Sequence[str]) -> list[Near]:
        from services.provenance.fingerprints.near import near_duplicates

        found = (one for one in near_duplicates(engine, catalog) if {one.take, one.other} <= set(ids))
        return [Near(one.take, one.other, one.similarity, one.text) for one in found]

    return Tools(PolicyGate(), seal, near, signs(engine, home, keys, checkpoints))


def signs(engine: Engine, home: Path, keys: Path, checkpoints: Sequence[Path] = ()) -> Callable[[], object]:
    """Signs a checkpoint of the ledger when it is called."""

    def settled() -> object:
        from services.provenance.checkpoints import checkpoint, checkpoint_folders
        from services.provenance.keys import KeyFolder

        return checkpoint(engine, KeyFolder(keys), checkpoint_folders(home, checkpoints))

    return settled


def carried(keys: Path) -> Callable[[Path], Carried]:
    """Reads what a file's credentials say; signatures of the keys here count as ours, others are named."""
    trust = Trust(keys / C2PA)

    def read(path: Path) -> Carried:
        found = read_file(path, trust=trust)
        if not found.whole:
            return Carried("; ".join(found.reasons) or "there are none")
        said = found.claim or {}
        return Carried(None, found.take_id, said.get("master_sha256"), found.signer)

    return read
