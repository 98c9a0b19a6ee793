"""Checkpoints of a hub, in the cache that all its programs share. The only place that asks the network for anything.

`fetch` is for `cueworks models add` alone; nothing else ever downloads. With HF_HUB_OFFLINE set the cache is all there
is. A revision is a tag, a branch or a commit: what it means is resolved to a commit, which never moves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from models.families import PIPELINE_INDEX
from services.generators.errors import RegisterError
from services.planning.faults import printable, shown

DEEPER = "*/*"  # a checkpoint lies at the top: what is below is another one, or none
BESIDE = ("*.json", "*.model", "*.txt", "*.md", "LICENSE*")
KINDS = (("*.safetensors",), ("state_dict.bin", "compression_state_dict.bin"), ("pytorch_model*.bin",))
PIPELINE = (PIPELINE_INDEX, "*.md", "LICENSE*", "*/*.json", "*/*.safetensors", "*/*.model", "*/*.txt")
"""What a pipeline is made of: its parts lie in folders of their own. Weights at its top are the same ones in another
layout, and pickles are not taken."""
BESIDE_PIPELINE = ("*/*/*", "*.fp16.*", "*.bf16.*", "*.non_ema.*")  # other roundings of the same weights, examples
LONGEST = 200
COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Fetched:
    """A checkpoint in the cache: its folder, and the commit that the asked revision meant."""

    folder: Path
    commit: str


def wrong_revision(revision: str | None) -> str | None:
    """What is wrong with the revision that is asked of a hub; None where nothing is."""
    if not revision:
        return "a checkpoint of a hub needs --revision: a tag, a branch (`main`) or, best, a commit"
    if len(revision) > LONGEST or not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision:
        return f"--revision {shown(revision)} is no revision; write a tag, a branch or a commit"
    return None


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE says that no network may be asked."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def fetch(id_: str, revision: str, quiet: bool = False) -> Fetched:
    """Bring a checkpoint into the cache, or find it there. Raises RegisterError with what to do instead."""
    from huggingface_hub.utils import disable_progress_bars

    if quiet:
        disable_progress_bars()
    folder = _cached(id_, revision) if is_offline() else _downloaded(id_, revision)
    return Fetched(folder, folder.name)


def _cached(id_: str, revision: str) -> Path:
    from huggingface_hub import constants, snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import LocalEntryNotFoundError

    is_pipeline = isinstance(try_to_load_from_cache(id_, PIPELINE_INDEX, revision=revision), str)
    kinds = [_PIPELINE] if is_pipeline else [_Wanted((*BESIDE, *weights)) for weights in KINDS]
    for wanted in kinds:
        try:
            return Path(snapshot_download(id_, revision=revision, local_files_only=True, **wanted.patterns))
        except (LocalEntryNotFoundError, FileNotFoundError):
            continue
    what = f"{id_} at {revision} is not, or not wholly, in {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE is set"
    remedy = "run the same command without it, or copy the checkpoint's folder here and name the folder"
    raise RegisterError([f"{what}; {remedy}"])


def _downloaded(id_: str, revision: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        told = HfApi().model_info(id_, revision=revision, timeout=TIMEOUT_S)
        files = [file.rfilename for file in told.siblings or ()]
        # by the asked name, not by the commit: the cache then knows the name too, where no network is
        return Path(snapshot_download(id_, revision=revision, **_wanted(files).patterns))
    except Exception as error:
        if (said := _told(id_, revision, error)) is None:
            raise
        raise RegisterError([said]) from error


@dataclass(frozen=True)
class _Wanted:
    """What is fetched of a checkpoint, and what is not although it fits."""

    files: tuple[str, ...]
    but: tuple[str, ...] = (DEEPER,)

    @property
    def patterns(self) -> dict[str, Any]:
        """As the hub's client takes them."""
        return {"allow_patterns": list(self.files), "ignore_patterns": list(self.but)}


_PIPELINE = _Wanted(PIPELINE, BESIDE_PIPELINE)


def _wanted(files: Sequence[str]) -> _Wanted:
    """Of a pipeline its parts; else the first kind of weights that there is, not the same ones twice in two formats."""
    if PIPELINE_INDEX in files:
        return _PIPELINE
    found = (
        kind for kind in KINDS if any(fnmatch(name, pattern) for name in files for pattern in kind if "/" not in name)
    )
    return _Wanted((*BESIDE, *next(found, ())))


def commit_of(id_: str, revision: str) -> str:
    """What a tag or branch means now. Raises RegisterError where the hub cannot be asked."""
    from huggingface_hub import HfApi

    try:
        return str(HfApi().model_info(id_, revision=revision, timeout=TIMEOUT_S).sha)
    except Exception as error:
        if (said := _told(id_, revision, error)) is None:
            raise
        raise RegisterError([said]) from error


def _told(id_: str, revision: str, error: Exception) -> str | None:
    """What the hub answered, for a person; None for what is a fault of ours."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "GatedRepoError" in names:
        return f"{id_}: its makers ask you to accept terms first; do so on the hub and log in with `hf auth login`"
    if "RepositoryNotFoundError" in names:
        return f"{id_}: the hub knows no such checkpoint, or keeps it private; look at the name, or `hf auth login`"
    if "RevisionNotFoundError" in names:
        return f"{id_}: no revision {shown(revision)}; use a tag, a branch or a commit of it"
    if names & {"HfHubHTTPError", "HTTPError", "TransportError", "LocalEntryNotFoundError", "OfflineModeIsEnabled"}:
        what = f"{id_}: the hub cannot be asked: {_first_line(error)}"
        return f"{what}; with HF_HUB_OFFLINE=1 its cache is used, or name a folder with the checkpoint"
    if isinstance(error, OSError):
        return f"{id_}: cannot be stored: {_first_line(error)}; see to the cache's folder (HF_HOME), then try again"
    return None


def _first_line(error: Any) -> str:
    lines = str(error).strip().splitlines()
    return printable(lines[0])[:LONGEST] if lines else type(error).__name__
