"""A MusicGen checkpoint on disk: what it is, whether it is whole, and its weights in memory.

`inspect` reads configurations and the headers of weight files, `check_values` the weights once, `load` into memory.
Both of the formats in use are understood: a transformers folder and an audiocraft one. Every fault is told at once.
Nothing here downloads, unpickles or writes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.families import PIPELINE_INDEX, CheckpointError
from models.musicgen import names
from models.musicgen.audiocraft import audiocraft_shape, settings
from models.musicgen.configs import (
    MUSICGEN,
    Faults,
    codec_fields,
    read_json,
    section,
    text_fields,
    transformers_shape,
)
from models.musicgen.revision import revision
from models.musicgen.shape import Shape
from models.musicgen.weights import DTYPES, Sizes, Stored, WeightFileError, read_tensors, stored_tensors
from models.pinning import paths_of, stamp

if TYPE_CHECKING:
    from torch import Tensor

    from models.generator import Place
    from models.registry import Abilities

_NAMED = 20  # how many tensors are named before the rest is counted
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_Places = Callable[[str], tuple[names.Place, ...]]


@dataclass(frozen=True)
class Summary:
    """What a checkpoint is, without its weights.

    `files` are those that matter, by the names that digests and stamps use; `tensors` has all that are needed under
    transformers' names; `bytes` is what the files take. `text_config` and `codec_config` build the other two parts."""

    folder: Path
    text_encoder: Path | None
    codec: Path | None
    format: str
    shape: Shape
    files: Mapping[str, Path]
    tensors: Mapping[str, Stored]
    text_config: Mapping[str, Any]
    codec_config: Mapping[str, Any]
    bytes: int

    @property
    def kind(self) -> str:
        """`melody`, `stereo` or `mono`."""
        return "melody" if self.shape.chroma_bins else "stereo" if self.shape.channels == 2 else "mono"

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"MusicGen, {self.kind}, {self.shape.layers} layers of {self.shape.width}"

    @property
    def parameters(self) -> int:
        """How many numbers the weights are, text encoder and codec included."""
        return sum(_product(stored.shape) for stored in self.tensors.values())

    @property
    def tokenizer(self) -> Path:
        """The file that text is cut into tokens by."""
        return self.files["text_encoder/tokenizer.json" if self.format == "audiocraft" else "tokenizer.json"]

    def options(self, name: str, digest: str) -> dict[str, Any]:
        """What a card keeps to set the generator up again: plain JSON. `digest` is that of all files together."""
        return {
            "id": name,
            "revision": revision(digest),
            "digest": digest,
            "folder": str(self.folder),
            "text_encoder": str(self.text_encoder) if self.text_encoder else None,
            "codec": str(self.codec) if self.codec else None,
            "format": self.format,
            "stamp": stamp(self.files),
            "shape": self.shape_json(),
        }

    def shape_json(self) -> dict[str, Any]:
        """The shape as the register keeps it."""
        return self.shape.as_json()

    def abilities(self) -> "Abilities":
        """What an order may ask of it."""
        from models.musicgen.abilities import abilities

        return abilities(self.shape_json())

    def places(self) -> "tuple[Place, Place | None]":
        """Where it is set up: on a processor and on a GPU, with the batch that is pinned for either."""
        from models.musicgen.room import places_for

        return places_for(self)


@dataclass
class _Found:
    """What an inspection has gathered so far."""

    folder: Path
    format: str
    beside: tuple[Path | None, Path | None] = (None, None)
    faults: Faults = field(default_factory=Faults)
    files: dict[str, Path] = field(default_factory=dict)
    text: dict[str, Any] = field(default_factory=dict)
    audio: dict[str, Any] = field(default_factory=dict)
    shape: Shape | None = None


def inspect(folder: Path, text_encoder: Path | None = None, codec: Path | None = None) -> Summary:
    """What lies in `folder`, by configurations and headers alone. An audiocraft folder needs those of a T5 text encoder
    and of an EnCodec beside it. Raises CheckpointError with every fault."""
    folder = folder.absolute()
    if not folder.is_dir():
        raise CheckpointError([f"{folder}: no such folder"])
    if not (folder / "config.json").exists() and not (folder / "state_dict.bin").exists():
        what = f"neither {PIPELINE_INDEX} (a diffusers pipeline) nor a MusicGen config.json or state_dict.bin is there"
        raise CheckpointError([f"{folder}: {what}; name the folder that holds a whole checkpoint"])
    if (folder / "config.json").is_file() or not (folder / "state_dict.bin").is_file():
        found = _transformers(folder, bool(text_encoder or codec))
    else:
        found = _audiocraft(folder, text_encoder, codec)
    tensors = _checked(found)
    _check_tokenizer(found)
    if found.faults or found.shape is None:
        raise CheckpointError(found.faults or [f"{folder}: no MusicGen checkpoint"])
    size = sum(path.stat().st_size for path in found.files.values())
    return Summary(
        found.folder, *found.beside, found.format, found.shape, found.files, tensors, found.text, found.audio, size
    )


def _transformers(folder: Path, beside: bool) -> _Found:
    found = _Found(folder, "transformers")
    faults, where = found.faults, f"{folder / 'config.json'}"
    if beside:
        faults.append(f"{folder}: a transformers checkpoint brings its own text encoder and codec; name no others")
    config = read_json(folder / "config.json", faults)
    if config and str(config.get("model_type")) not in MUSICGEN:
        told = config.get("architectures") or config.get("model_type") or "of no kind that it tells"
        needed = " or ".join(MUSICGEN.values())
        raise CheckpointError([f"{where}: the checkpoint is {str(told)[:80]}; {needed} is needed"])
    if config:
        found.text = text_fields(where, section(where, config, "text_encoder", faults), faults)
        found.audio = codec_fields(where, section(where, config, "audio_encoder", faults), faults)
        sure = len(faults) == beside
        found.shape = transformers_shape(where, config, found.text, found.audio, faults) if sure else None
    found.files = paths_of(_files(folder, "", faults), folder)
    return found


def _audiocraft(folder: Path, text_encoder: Path | None, codec: Path | None) -> _Found:
    beside = (text_encoder.absolute() if text_encoder else None, codec.absolute() if codec else None)
    state = folder / "state_dict.bin"
    found, names_of = _Found(folder, "audiocraft", beside), [state.name]
    told = settings(state, found.faults)
    for part, path in zip(("text_encoder", "codec"), beside, strict=True):
        if path is None:
            what = "a T5 text encoder (t5-base)" if part == "text_encoder" else "an EnCodec codec (encodec_32khz)"
            option = f"--{part.replace('_', '-')} FOLDER"
            found.faults.append(f"{folder}: an audiocraft checkpoint needs {what} beside it: {option}")
            continue
        names_of += _files(path, f"{part}/", found.faults)
        config = read_json(path / "config.json", found.faults)
        if config and part == "text_encoder":
            found.text = text_fields(f"{path / 'config.json'}", config, found.faults)
        elif config:
            found.audio = codec_fields(f"{path / 'config.json'}", config, found.faults)
    found.files = paths_of(names_of, folder, *beside)
    if told and found.text and found.audio and not found.faults:
        sizes = {name: tensor.shape for name, tensor in _headers(state, found.faults).items()}
        found.shape = audiocraft_shape(str(state), told, sizes, found.text, found.audio, found.faults)
    return found


def _files(folder: Path, prefix: str, faults: Faults) -> list[str]:
    """The files of a folder in transformers' layout that matter, by prefixed names."""
    wanted = ["config.json"]
    wanted += ["tokenizer.json"] if prefix != "codec/" else []
    weights = next((name for name in _WEIGHTS if (folder / name).is_file()), "")
    if not weights:
        faults.append(f"{folder}: no weights: {_WEIGHTS[0]} is needed (or its shards with their index)")
    elif weights.endswith(".json"):
        wanted += [weights, *_shards(folder, weights, faults)]
    else:
        wanted += [weights]
    for name in wanted:
        if name == "tokenizer.json" and not (folder / name).is_file():
            faults.append(
                f"{folder / name}: no such file, so no prompt can be read; fetch it with the checkpoint, or write it "
                "with transformers: AutoTokenizer.from_pretrained(...).save_pretrained(folder)"
            )
    return [prefix + name for name in wanted if (folder / name).is_file()]


def _shards(folder: Path, index: str, faults: Faults) -> list[str]:
    """The files that an index of shards names: plain names of files in the folder, and nothing else."""
    mapped = read_json(folder / index, faults).get("weight_map")
    shards = sorted({str(name) for name in mapped.values()}) if isinstance(mapped, dict) else []
    ending = index.removesuffix(".index.json").rpartition(".")[2]
    for name in shards:
        if Path(name).name != name or not name.endswith(ending):
            faults.append(f"{folder / index}: names {name[:80]!r}, which is no .{ending} file of this folder")
        elif not (folder / name).is_file():
            faults.append(f"{folder / name}: no such file, though {index} names it; fetch it again")
    if not shards:
        faults.append(f"{folder / index}: names no files")
    return [name for name in shards if Path(name).name == name and name.endswith(ending)]


def _translated(files: Mapping[str, Path]) -> list[tuple[Path, _Places]]:
    """The files of weights, each with what its names mean."""
    meanings = {"text_encoder": names.from_text_encoder, "codec": names.from_codec}
    made: list[tuple[Path, _Places]] = []
    for name, path in files.items():
        if path.suffix in (".safetensors", ".bin"):
            own = names.from_audiocraft if name == "state_dict.bin" else names.from_transformers
            made.append((path, meanings.get(name.partition("/")[0], own)))
    return made


def _headers(path: Path, faults: Faults) -> dict[str, Stored]:
    try:
        return stored_tensors(path)
    except WeightFileError as error:
        faults.append(str(error))
        return {}


def _checked(found: _Found) -> dict[str, Stored]:
    """The tensors that are needed, as they are stored; faults for those that are missing, odd or too many."""
    unreadable = len(found.faults)
    headers = [(path, places, _headers(path, found.faults)) for path, places in _translated(found.files)]
    needed = _needed(found)
    if needed is None or not headers or len(found.faults) > unreadable:
        return {}
    kept: dict[str, Stored] = {}
    extra, odd, types = [], [], []
    for path, places, stored in headers:
        for name, tensor in stored.items():
            homes = places(name)
            if unknown := [home for home in homes if home.name not in needed]:
                extra += [name] if len(unknown) == len(homes) else []
                continue
            if homes and (wanted := _whole(needed[homes[0].name], homes[0].parts)) != tensor.shape:
                odd.append(f"{path}: {name} is {list(tensor.shape)}; {list(wanted)} is needed")
            if homes and tensor.dtype not in DTYPES.values():
                types.append(f"{path}: {name} is stored as {tensor.dtype}; {', '.join(DTYPES.values())} can be read")
            kept |= {home.name: Stored(needed[home.name], tensor.dtype) for home in homes}
    missing = [name for name in needed if name not in kept]
    _tell(found.faults, f"{found.folder}: tensors are missing", missing)
    _tell(found.faults, f"{found.folder}: tensors that belong to no MusicGen of this shape", extra)
    found.faults.extend(_shortened(odd) + _shortened(types))
    return kept


def _needed(found: _Found) -> dict[str, Sizes] | None:
    from models.musicgen.parts import codec_sizes, text_sizes

    if found.shape is None:
        return None
    try:
        return names.decoder_tensors(found.shape) | text_sizes(found.text) | codec_sizes(found.audio)
    except Exception as error:  # whatever transformers makes of a hostile configuration
        reason = " ".join(str(error).split())[:200]
        found.faults.append(f"{found.folder}: no text encoder or codec can be built from its configuration: {reason}")
        return None


def _whole(sizes: Sizes, parts: int) -> Sizes:
    return (sizes[0] * parts, *sizes[1:])


def _product(sizes: Sizes) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


def _tell(faults: Faults, what: str, tensors: list[str]) -> None:
    if tensors:
        more = f" and {len(tensors) - _NAMED} more" if len(tensors) > _NAMED else ""
        faults.append(f"{what} ({len(tensors)}): {', '.join(name[:120] for name in tensors[:_NAMED])}{more}")


def _shortened(faults: list[str]) -> list[str]:
    more = [f"... and {len(faults) - _NAMED} more like the last"] if len(faults) > _NAMED else []
    return faults[:_NAMED] + more


def _check_tokenizer(found: _Found) -> None:
    """The tokenizer reads text into tokens that the text encoder knows, with its end mark."""
    from models.musicgen.tokens import TokenizerError, load_tokenizer

    path = found.files.get("tokenizer.json") or found.files.get("text_encoder/tokenizer.json")
    if path is None or not found.text:
        return
    try:
        tokenizer = load_tokenizer(path)
        tokens, words = tokenizer.encode("calm music").ids, tokenizer.get_vocab(with_added_tokens=True)
    except TokenizerError as error:
        found.faults.append(str(error))
        return
    known, end = found.text.get("vocab_size", 32128), found.text.get("eos_token_id", 1)
    highest = max([*tokens, *words.values()], default=0)
    if not tokens or highest >= known or tokens[-1] != end:
        found.faults.append(
            f"{path}: does not fit the text encoder ({known} tokens, {end} at the end of each text): it reads a text "
            f"as {tokens[:8]} and knows tokens up to {highest}; fetch the tokenizer that belongs to the checkpoint"
        )


def check_values(summary: Summary, progress: Callable[[str], None] | None = None) -> None:
    """Read every weight once, one tensor at a time; `progress` is told their names.

    Raises CheckpointError that names each tensor with values that are not finite."""
    faults: list[str] = []
    for path, places in _translated(summary.files):
        for name, tensor in _read(path):
            if progress:
                progress(name)
            if places(name) and tensor.numel() and not all(bound.isfinite() for bound in tensor.aminmax()):
                bad = tensor.numel() - int(tensor.isfinite().sum())
                faults.append(f"{path}: {name}: {bad} of {tensor.numel()} values are NaN or infinite")
    if faults:
        raise CheckpointError(
            [*_shortened(faults), f"{summary.folder}: the weights are damaged; fetch the checkpoint again"]
        )


def _read(path: Path) -> "Iterable[tuple[str, Tensor]]":
    try:
        yield from read_tensors(path)
    except WeightFileError as error:
        raise CheckpointError([str(error)]) from error


def load(summary: Summary, device: str = "cpu", dtype: str | None = None) -> "dict[str, Tensor]":
    """All weights by transformers' names, each in memory of its own on `device`; as stored, or as `dtype`.

    Raises CheckpointError where a file was changed since it was inspected."""
    import torch

    loaded: dict[str, Tensor] = {}
    for path, places in _translated(summary.files):
        for name, tensor in _read(path):
            placed = tensor.to(device=device, dtype=getattr(torch, dtype) if dtype else None)
            for home in places(name):
                loaded[home.name] = placed.chunk(home.parts)[home.part] if home.parts > 1 else placed
    wrong = [name for name, stored in summary.tensors.items() if _shape_of(loaded.get(name)) != stored.shape]
    if wrong:
        raise CheckpointError([f"{summary.folder}: changed while it was loaded ({', '.join(wrong[:_NAMED])})"])
    return loaded


def _shape_of(tensor: "Tensor | None") -> Sizes | None:
    return None if tensor is None else tuple(tensor.shape)
