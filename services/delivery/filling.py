"""Fills the staged folder of a release: copies tagged and signed, texts and manifest beside them.

Writes below that folder only, and tells for every file what is to be recorded. It decides nothing, and a path that
would lead out of the folder, or be another file's on a system that does not tell case apart, is refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from db.releases import FactText, ItemRow
from services.delivery import claims, folder, manifest
from services.delivery.errors import DeliveryError
from services.delivery.manifest import Heading, Released
from services.delivery.targets import Piece, named
from services.delivery.vouching import statement
from services.planning.faults import shown
from services.provenance.credentials import Aigc, Claim, Signed

THREADS = 4  # signing is mostly hashing and waiting for the disk, and holds no lock
LONGEST_PATH = 512
LONGEST_ROLE = 64
CREDENTIALS_TYPE = "application/c2pa"


class Seal(Protocol):
    """Writes a tagged, signed copy (`services.provenance.credentials.sign_file` with a signer)."""

    def __call__(self, source: Path, target: Path, claim: Claim, aigc: Aigc | None) -> Signed: ...


@dataclass(frozen=True)
class Contents:
    """What goes into a release. `near` are the near-duplicates that were told, as plain JSON values."""

    heading: Heading
    takes: Sequence[Released]
    facts: Mapping[str, FactText]
    near: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Filling:
    """Fills `staged`. `blob` says where the master with a digest lies; `vouch` signs a text, as a note."""

    staged: Path
    contents: Contents
    seal: Seal
    blob: Callable[[str], Path]
    vouch: Callable[[str], str] | None = None

    def fill(self, progress: Callable[[int], None]) -> tuple[bytes, list[ItemRow]]:
        """Write everything; returns the manifest's bytes and the files of takes.

        Raises DeliveryError for impossible paths, CredentialsError, OSError."""
        _check_paths(piece.path for take in self.contents.takes for piece in self._pieces(take))
        items: list[ItemRow] = []
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                for written in pool.map(lambda take: list(self._take(take)), self.contents.takes):
                    items += written
                    progress(1)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        _check_paths(item.path for item in items)
        return self._documents(items), items

    def _pieces(self, take: Released) -> Iterator[Piece]:
        return named(self.contents.heading.target).pieces(take.frozen)

    def _take(self, take: Released) -> Iterator[ItemRow]:
        for piece in self._pieces(take):
            path = self.staged / _checked_path(piece)
            path.parent.mkdir(parents=True, exist_ok=True)
            if piece.data is None:
                yield from self._sealed(path, take, piece)
            else:
                folder.write(path, piece.data)
                yield self._item(take, piece, sha256(piece.data).hexdigest(), len(piece.data))

    def _sealed(self, path: Path, take: Released, piece: Piece) -> Iterator[ItemRow]:
        heading = self.contents.heading
        labels = claims.Labels(heading.catalog, heading.producer, heading.aigc)
        claim = claims.claim(take.frozen, labels, take.licence, piece.source_sha256, take.isrc)
        signed = self.seal(self.blob(piece.source_sha256), path, claim, claims.aigc(take.frozen, labels))
        yield self._item(take, piece, signed.sha256, signed.bytes)
        if signed.sidecar is not None and signed.sidecar_sha256 is not None:
            role = f"{manifest.CREDENTIALS}{piece.role}"[:LONGEST_ROLE]
            beside = str(Path(piece.path).with_name(signed.sidecar.name))
            sidecar = replace(piece, path=beside, role=role, media_type=CREDENTIALS_TYPE)
            yield self._item(take, sidecar, signed.sidecar_sha256, signed.sidecar.stat().st_size)

    def _item(self, take: Released, piece: Piece, digest: str, size: int) -> ItemRow:
        return ItemRow(
            self.contents.heading.id, piece.path, take.frozen.id, piece.role, piece.media_type, digest, size,
            piece.source_sha256, take.judged.id,
        )  # fmt: skip

    def _documents(self, items: Sequence[ItemRow]) -> bytes:
        about = self.contents
        texts = {
            manifest.CREDITS: manifest.credits_text(about.takes, about.facts),
            manifest.DISCLOSURE: manifest.disclosure_text(about.takes),
        }
        text = manifest.manifest(about.heading, about.takes, items, about.facts, texts, about.near)
        written = {**texts, manifest.MANIFEST: text}
        listed = {item.path: item.sha256 for item in items}
        listed |= {name: sha256(data).hexdigest() for name, data in written.items()}
        for name, data in {**written, manifest.SUMS: manifest.sums(listed)}.items():
            folder.write(self.staged / name, data)
        if self.vouch is not None:
            folder.write(self.staged / manifest.SIGNATURE, self.vouch(statement(text)).encode())
        return text


def _checked_path(piece: Piece) -> str:
    """The path of a piece, once it is certain that it stays in the folder. Raises DeliveryError."""
    parts = piece.path.split("/")
    if len(piece.path) > LONGEST_PATH or any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
        raise DeliveryError(f"target: {shown(piece.path)} is no path inside a folder; this is a fault of the target")
    return piece.path


def _check_paths(paths: Iterable[str]) -> None:
    """Raises DeliveryError where two files are one, or would be on a system that does not tell case apart."""
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.get(path.casefold())
        seen[path.casefold()] = path
        if other is None:
            continue
        if other == path:
            raise DeliveryError(f"target: {shown(path)} would be two files; this is a fault of the target")
        raise DeliveryError(f"{path} and {other} differ only by case; a folder cannot hold both everywhere")
