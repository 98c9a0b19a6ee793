"""A catalog of a few takes with real sound in a real home, for the tests of trace and import."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from db.rows import NewAsset, NewFingerprint
from services.mastering.encode import encode
from services.provenance.fingerprints.extract import fingerprint_or_none
from services.provenance.fingerprints.library import Library
from services.provenance.trace import Tracer
from services.storage.folder import FolderStore
from services.storage.tree import link
from tests.catalog_rows import done, new_take, open_run, order_takes, record_takes
from tests.unit.fingerprint_sounds import music, pcm

SECONDS = 16.0


@cache
def sound(number: int) -> NDArray[np.float64]:
    return music(number, SECONDS)


class Studio:
    """Takes 0 to 2 with the sounds 0 to 2 (or others); the first two were recorded with their fingerprints."""

    def __init__(self, engine: Engine, home: Path, *sounds: NDArray[np.float64]) -> None:
        self.engine, self.home, self.store = engine, home, FolderStore(home / "blobs")
        heard = list(sounds) or [sound(number) for number in range(3)]
        self.ids = [new_take(number).id for number in range(len(heard))]
        run = open_run(engine, order_takes(engine, map(new_take, range(len(heard)))), [self.ids])
        self.masters = [self._record(run, number, mono) for number, mono in enumerate(heard)]

    def _record(self, run: str, number: int, mono: NDArray[np.float64]) -> NewAsset:
        made = pcm(mono)
        blob = self.store.put(lambda file: encode(made, "flac", file))
        path = f"{new_take(number).folder}/mix.flac"
        link(self.store.path(blob.sha256), self.home / path)
        mix = NewAsset("mix", "audio/flac", blob.sha256, blob.bytes, path, made.duration_s, made.sha256())
        found = fingerprint_or_none(self.store.path(blob.sha256), made.duration_s) if number < 2 else None
        kept = NewFingerprint(made.sha256(), found.algorithm, found.duration_s, found.blob) if found else None
        take = done(self.ids[number], assets=(mix,), pcm_sha256=made.sha256(), fingerprint=kept)
        record_takes(self.engine, run, [take])
        return mix

    def blob(self, number: int) -> Path:
        return self.store.path(self.masters[number].sha256)

    @property
    def library(self) -> Library:
        return Library(self.engine, self.home, self.store)

    @property
    def tracer(self) -> Tracer:
        """A new one, as every command has."""
        return Tracer(self.library)
