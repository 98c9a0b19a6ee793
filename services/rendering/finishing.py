"""Finishing as a worker runs it: master, encode, store, link into the readable tree, and say what was made.

Files are stored and linked before anything is reported, so a take that is recorded as done has them all. Nothing here
touches a database.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.rows import NewAsset, NewFingerprint, NewHearing
from models.generator import Rendition
from services.mastering.pcm import Pcm
from services.rendering.jobs import FinishedTake, Job
from services.storage.folder import FolderStore, remedy
from services.storage.store import StorageError
from services.storage.tree import link, safe_name


def create(home: Path) -> "Finishing":
    """The finisher of a home folder."""
    return Finishing(home, FolderStore(home / "blobs"))


@dataclass
class Finishing:
    """A Finisher whose files go to `store` and into the tree below `home`."""

    home: Path
    store: FolderStore

    def warm_up(self) -> None:
        """Import mastering (torch with it) before the first take needs it."""
        from services.mastering import finish, profile

        profile.profile()
        del finish

    def finish(self, job: Job, rendition: Rendition) -> FinishedTake:
        """Raises MasteringError for sound that cannot be delivered and StorageError when the store cannot take it."""
        from services.mastering.finish import finish
        from services.mastering.profile import profile

        started = time.perf_counter()
        controls = job.request.controls
        finished = finish(rendition, job.delivery, marks(rendition), controls.duration if controls.loop else None)
        mastered_s = time.perf_counter() - started
        assets = tuple(self._store(job, file) for file in finished.files)
        stored_s = time.perf_counter() - started - mastered_s
        fingerprint = heard(finished.mix, finished.pcm_sha256)
        heard_s = time.perf_counter() - started - mastered_s - stored_s
        hearing = listened(finished.mix, finished.pcm_sha256) if job.listen else None
        listened_s = time.perf_counter() - started - mastered_s - stored_s - heard_s
        seconds = {"master": mastered_s, "store": stored_s, "fingerprint": heard_s}
        return FinishedTake(
            assets=assets,
            measurements=finished.measurements.as_json(),
            pcm_sha256=finished.pcm_sha256,
            profile=profile(),
            seconds=seconds if hearing is None else {**seconds, "listen": listened_s},
            fingerprint=fingerprint,
            hearing=hearing,
        )

    def _store(self, job: Job, file: Any) -> NewAsset:
        blob = self.store.put(file.write)
        path = f"{job.folder}/{safe_name(file.role.replace(':', '-'))}.{file.extension}"
        try:
            link(self.store.path(blob.sha256), self.home / path)
        except OSError as error:
            raise StorageError(error.errno, f"{self.home / path}: {remedy(error)}") from error
        return NewAsset(file.role, file.media_type, blob.sha256, blob.bytes, path, file.duration_s, file.pcm_sha256)


def heard(mix: Pcm, pcm_sha256: str) -> NewFingerprint | None:
    """The fingerprint of a mix. It is no part of the take's sound: it can be made anew at any time."""
    from services.provenance.fingerprints.extract import fingerprint_pcm

    found = fingerprint_pcm(mix)
    return NewFingerprint(pcm_sha256, found.algorithm, found.duration_s, found.blob) if found else None


def listened(mix: Pcm, pcm_sha256: str) -> NewHearing:
    """What is heard of a mix. Like its fingerprint, it can be made anew at any time."""
    from services.mastering.listening import hear

    found = hear(mix.as_float(), mix.sample_rate)
    return NewHearing(pcm_sha256, found.revision, found.facts(), found.descriptor)


def marks(rendition: Rendition) -> list[tuple[float, str]]:
    """(seconds, name) of the sections that the generator told of; names carry length, meter and tempo where known."""
    sections = rendition.facts.get("sections", ())
    if not isinstance(sections, list | tuple):
        return []
    told = [part for part in sections if isinstance(part, dict) and "start_s" in part]
    return [(float(part["start_s"]), _marked(part, rendition.facts)) for part in told]


def _marked(section: dict[str, Any], facts: dict[str, object]) -> str:
    """`A, 8 bars of 4/4 at 92 bpm`; the name alone where no more is known, or where it marks a point."""
    bars, bpm, meter = section.get("bars"), facts.get("bpm"), facts.get("meter")
    if not bars or not isinstance(bpm, int | float) or not meter:
        return str(section["name"])
    return f"{section['name']}, {bars} bars of {meter} at {bpm:g} bpm"
