"""Reads every master that is to go out, before anything is written. Changes nothing."""

from collections.abc import Sequence

from db.rows import AssetRow
from services.delivery.errors import DamagedMasterError
from services.delivery.frozen import FrozenTake
from services.storage.folder import FolderStore
from services.storage.store import BlobMissingError, digest


def check_masters(store: FolderStore, takes: Sequence[FrozenTake]) -> None:
    """Read every file that is to go out. Raises DamagedMasterError naming those that are not as recorded."""
    checked: dict[str, str | None] = {}
    faults = []
    for take in takes:
        for file in take.files:
            if file.sha256 not in checked:
                checked[file.sha256] = _fault(store, file)
            if fault := checked[file.sha256]:
                faults.append(f"take {take.id[:12]}: {file.role} ({file.path}): {fault}")
    if faults:
        remedy = "nothing was released: run `cueworks verify --repair`, then the same `cueworks generate` again"
        raise DamagedMasterError("\n".join([*faults, remedy]))


def _fault(store: FolderStore, file: AssetRow) -> str | None:
    try:
        with store.open(file.sha256) as blob:
            found = digest(blob)
    except BlobMissingError:
        return f"blob {file.sha256} is missing"
    except OSError as error:
        return f"blob {file.sha256} cannot be read ({error.strerror})"
    return None if found.sha256 == file.sha256 else f"blob {file.sha256} was changed: its bytes hash to {found.sha256}"
