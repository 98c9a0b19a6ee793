"""The sounds of a run, ready to be read in any order: shards of samples at the model's rate, and a manifest of them.

Every take's stored file is held against its digest, brought to one channel and the model's rate and written as 16-bit
samples; the manifest (parquet) says of each take which samples are its, their SHA-256, its caption and its split.
Shards are written whole; a killed export goes on with the shard that was missing. Which takes are held
out is said in `splitting`. Nothing here chooses takes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.training_tables import HELD_OUT, TRAINING
from services.storage.whole import whole_file
from services.training.captions import whole
from services.training.errors import OtherFilesError
from services.training.order import Item, Order, canonical_digest, read_json, write_json
from services.training.splitting import held_out

MANIFEST, SUMMARY = "manifest.parquet", "dataset.json"
SHARD_S = 1800.0  # seconds of sound in one file, about
FULL = 32767.0


@dataclass(frozen=True)
class Entry:
    """A take in the dataset: samples `begin` to `begin + length` of a shard, at the dataset's rate."""

    take: str
    catalog: str
    state: str
    split: str
    loop: bool
    sha256: str
    pcm_sha256: str
    audio_sha256: str
    shard: str
    begin: int
    length: int
    caption: str


def export(order: Order, folder: Path) -> dict[str, Any]:
    """Write the dataset into `folder`; returns its summary, which is written last. Raises OtherFilesError where a
    stored file is not what is on record."""
    folder.mkdir(parents=True, exist_ok=True)
    split = held_out(order.items, order.preset.held_out)
    rate = order.preset.codec.sample_rate
    entries: list[Entry] = []
    files: dict[str, str] = {}
    for number, items in enumerate(_shards(order.items)):
        name = f"audio-{number:05}.npy"
        entries += _shard(order, folder, name, items, split.takes, rate)
        files[name] = file_digest(folder / name)
    _write_manifest(folder / MANIFEST, entries)
    files[MANIFEST] = file_digest(folder / MANIFEST)
    summary = {
        "sample_rate": rate, "takes": len(entries), "held_out": sum(entry.split == HELD_OUT for entry in entries),
        "held_out_by": split.by, "seconds": sum(entry.length for entry in entries) / rate, "files": files,
        "manifest_sha256": manifest_digest(entries),
    }  # fmt: skip
    write_json(folder / SUMMARY, summary)
    return summary


def _shards(items: Sequence[Item]) -> Iterator[list[Item]]:
    shard, seconds = list[Item](), 0.0
    for item in items:
        shard.append(item)
        seconds += float(item.controls["duration"])
        if seconds >= SHARD_S:
            yield shard
            shard, seconds = [], 0.0
    if shard:
        yield shard


def _shard(order: Order, folder: Path, name: str, items: Sequence[Item], out: frozenset[str], rate: int) -> list[Entry]:
    """The entries of a shard, which is written unless it is there with what it was written with beside it."""
    index = folder / name.replace(".npy", ".json")
    if (known := read_json(index)) is not None and (folder / name).is_file():
        return [Entry(**entry) for entry in known]
    sounds, entries, begin = [], list[Entry](), 0
    for item in items:
        sound = heard(Path(order.blobs), item, rate)
        split = HELD_OUT if item.take in out else TRAINING
        digest = sha256(sound.tobytes()).hexdigest()
        entries.append(Entry(
            item.take, item.catalog, item.state, split, item.loop, item.sha256, item.pcm_sha256, digest, name, begin,
            len(sound), whole(item),
        ))  # fmt: skip
        sounds.append(sound)
        begin += len(sound)
    save_array(folder / name, np.concatenate(sounds))
    write_json(index, [asdict(entry) for entry in entries])
    return entries


def heard(blobs: Path, item: Item, rate: int) -> NDArray[np.int16]:
    """A take's samples, one channel at `rate`; of a loop exactly its length. Raises OtherFilesError."""
    import io

    import soundfile

    from services.mastering.resample import resample, resample_loop

    path = blobs / item.sha256[:2] / item.sha256
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    if sha256(data).hexdigest() != item.sha256:
        what = f"{path}: is not the mix of take {item.take[:12]} that is on record"
        raise OtherFilesError([f"{what}; `cueworks verify` tells what is damaged, `cueworks generate` makes it again"])
    samples, source = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    mono = np.ascontiguousarray(samples.mean(axis=1)[None], dtype=np.float32)
    if item.loop:
        mono = resample_loop(mono, source, rate, max(round(mono.shape[1] * rate / source), 1))
    else:
        mono = resample(mono, source, rate)
    return (np.clip(np.nan_to_num(mono[0]), -1.0, 1.0) * FULL).round().astype("<i2")


def save_array(path: Path, values: NDArray[Any]) -> None:
    """A .npy file, whole or not at all."""
    with whole_file(path) as part, part.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def _write_manifest(path: Path, entries: Sequence[Entry]) -> None:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.Table.from_pylist([asdict(entry) for entry in entries])
    with whole_file(path) as part:
        parquet.write_table(table, part)


def manifest_digest(entries: Sequence[Entry]) -> str:
    """SHA-256 over what the manifest says, however it is written."""
    return canonical_digest([asdict(entry) for entry in entries])


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    found = sha256()
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            found.update(data)
    return found.hexdigest()


class Sounds:
    """The dataset for reading: entries of one split, samples by number, mapped into memory."""

    def __init__(self, folder: Path, split: str | None = TRAINING) -> None:
        from pyarrow import parquet

        rows = parquet.read_table(folder / MANIFEST).to_pylist()
        every = [Entry(**row) for row in rows]
        self.entries = [entry for entry in every if split is None or entry.split == split]
        self.rate = int(read_json(folder / SUMMARY)["sample_rate"])
        shards = dict.fromkeys(entry.shard for entry in self.entries)
        self._shards = {name: np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in shards}

    def __len__(self) -> int:
        return len(self.entries)

    def whole(self, number: int) -> NDArray[np.float32]:
        """All samples of an entry, float32."""
        entry = self.entries[number]
        return self._part(entry, entry.begin, entry.begin + entry.length)

    def cut(self, number: int, first: int, length: int) -> NDArray[np.float32]:
        """`length` samples from `first` on: of a loop played round, of another sound with silence after its end."""
        entry = self.entries[number]
        if entry.loop:
            at = (first + np.arange(length)) % entry.length
            return np.asarray(self._shards[entry.shard][entry.begin + at], dtype=np.float32) / np.float32(FULL)
        first = min(first, max(entry.length - length, 0))
        part = self._part(entry, entry.begin + first, entry.begin + min(first + length, entry.length))
        return np.pad(part, (0, length - len(part)))

    def _part(self, entry: Entry, begin: int, end: int) -> NDArray[np.float32]:
        return np.asarray(self._shards[entry.shard][begin:end], dtype=np.float32) / np.float32(FULL)
