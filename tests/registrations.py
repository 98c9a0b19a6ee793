"""Rows of the register made up for tests: no checkpoint, no database."""

from datetime import UTC, datetime
from typing import Any

from db.registrations import ADDED, FOLDER, HUB, RegistrationRow
from models.families import revision_of

BEGAN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DIGESTS = ("a" * 64, "b" * 64, "c" * 64)
RESOURCES = {"cpus": 2.0, "gpus": 0.0, "threads": 2, "memory_mb": 900, "gpu_memory_mb": 0}
ON_GPU = {**RESOURCES, "gpus": 0.25, "gpu_memory_mb": 3000}
SHAPE = {"width": 64, "layers": 2, "heads": 4, "feed_forward": 256, "streams": 4, "delays": [0, 1, 2, 3]}


def registration(
    generator: str = "my-model", number: int = 1, digest: str = DIGESTS[0], **said: Any
) -> RegistrationRow:
    """A row that registers a folder."""
    values: dict[str, Any] = {
        "act": ADDED, "revision": revision_of("transformers", digest), "origin": FOLDER, "source": "/nowhere/my-model",
        "asked_revision": "", "commit_id": "", "folder": "/nowhere/my-model", "text_encoder": None, "codec": None,
        "format": "transformers", "files": {"config.json": {"sha256": "1" * 64, "bytes": 2, "mtime_ns": "12"}},
        "card": {"licence": "CC0-1.0", "title": "A model"}, "shape": SHAPE,
        "places": {"cpu": {"device": "cpu", "batch_size": 4, "resources": RESOURCES},
                   "cuda": {"device": "cuda", "batch_size": 32, "resources": ON_GPU}},
        "at": BEGAN,
    }  # fmt: skip
    return RegistrationRow(generator, digest=digest, number=number, **(values | said))


def of_hub(generator: str = "facebook/musicgen-small", number: int = 1, **said: Any) -> RegistrationRow:
    """A row that registers a checkpoint of a hub."""
    values = {"origin": HUB, "source": "facebook/musicgen-small", "asked_revision": "main", "commit_id": "c" * 40}
    return registration(generator, number, **(values | {"folder": "/nowhere/snapshots/" + "c" * 40} | said))
