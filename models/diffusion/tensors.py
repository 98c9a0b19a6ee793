"""The tensors that a component needs, by building it without memory, held against the headers of its files.

Classes are those of the installed diffusers and transformers, never a checkpoint's own code. No weights are read.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from models.musicgen.weights import DTYPES, Stored

NAMED = 20  # how many are named before the rest is counted
MOST_MODULES = 20_000  # of one component; the largest that we know has three thousand
_UNREAD = re.compile(
    r"(^|\.)(position_ids|token_type_ids|num_batches_tracked|attn\.(masked_)?bias|relative_position_index)$"
)


@dataclass(frozen=True)
class Needed:
    """What a component is made of: sizes by name, which of them are real numbers, and the names that stand for one and
    the same tensor."""

    sizes: Mapping[str, tuple[int, ...]]
    real: frozenset[str]
    alike: tuple[frozenset[str], ...]


class ConfigError(ValueError):
    """A configuration that no component can be built from."""


@contextmanager
def bounded() -> Iterator[None]:
    """Building ends with an error where there are more modules than any component has, whatever multiplies them."""
    from torch.nn.modules.module import register_module_module_registration_hook

    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1
        if count > MOST_MODULES:
            raise ConfigError(f"more than {MOST_MODULES} modules")

    hook = register_module_module_registration_hook(counted)
    try:
        yield
    finally:
        hook.remove()


def class_of(library: str, name: str) -> Any:
    """A component's class, as the pipeline would find it."""
    from importlib import import_module

    own = {"diffusers": "diffusers", "transformers": "transformers"}
    return getattr(import_module(own.get(library, f"diffusers.pipelines.{library}")), name)


def needed(library: str, name: str, config: Mapping[str, Any]) -> Needed:
    """What a component of that class and configuration is made of. Raises ConfigError."""
    import torch

    from models.diffusion.loading import quiet

    try:
        cls = class_of(library, name)
        with quiet(), warnings.catch_warnings(), bounded(), torch.device("meta"):
            warnings.simplefilter("ignore")
            if library == "transformers":
                module = cls(cls.config_class.from_dict(dict(config)))
            else:
                module = cls.from_config(dict(config))
        state = module.state_dict()
    except Exception as error:  # whatever the libraries make of a hostile configuration
        raise ConfigError(f"no {name} can be built from it: {' '.join(str(error).split())[:200]}") from error
    alike: dict[int, set[str]] = {}
    for key, tensor in module.named_parameters(remove_duplicate=False):
        alike.setdefault(id(tensor), set()).add(_plain(key))
    tied = {_plain(key): _plain(other) for key, other in _tied(module).items()}
    groups = [frozenset(names) for names in alike.values() if len(names) > 1]
    groups += [frozenset(pair) for pair in tied.items()]
    real = frozenset(_plain(key) for key, tensor in state.items() if tensor.is_floating_point())
    return Needed({_plain(key): tuple(tensor.shape) for key, tensor in state.items()}, real, tuple(groups))


def _tied(module: Any) -> dict[str, str]:
    """Names of tensors that are saved under another name only."""
    with suppress(Exception):
        found = module.all_tied_weights_keys
        return dict(found) if isinstance(found, dict) else {}
    return {}


def _plain(name: str) -> str:
    """A tensor's name as older releases of the libraries wrote it: weight normalisation had another form."""
    return name.replace(".parametrizations.weight.original0", ".weight_g").replace(
        ".parametrizations.weight.original1", ".weight_v"
    )


def differences(where: str, needs: Needed, stored: Mapping[str, Stored]) -> list[str]:
    """What is missing, too much, misshapen or of a type that is not read, a sentence each."""
    found = {_plain(name): tensor for name, tensor in stored.items()}
    extra = [name for name in found if name not in needs.sizes and not _UNREAD.search(name)]
    missing = [name for name in needs.sizes if name not in found and not _UNREAD.search(name)]
    missing = [name for name in missing if not any(name in group and group & found.keys() for group in needs.alike)]
    odd, types = [], []
    for name, tensor in found.items():
        wanted = needs.sizes.get(name)
        if wanted is not None and wanted != tensor.shape:
            odd.append(f"{where}: {name} is {list(tensor.shape)}; {list(wanted)} is needed")
        if name in needs.real and tensor.dtype not in DTYPES.values():
            types.append(f"{where}: {name} is stored as {tensor.dtype}; {', '.join(DTYPES.values())} can be read")
    return [
        *_told(f"{where}: tensors are missing", missing),
        *_told(f"{where}: tensors that do not belong to it", extra),
        *shortened(odd), *shortened(types),
    ]  # fmt: skip


def _told(what: str, tensors: list[str]) -> list[str]:
    if not tensors:
        return []
    more = f" and {len(tensors) - NAMED} more" if len(tensors) > NAMED else ""
    return [f"{what} ({len(tensors)}): {', '.join(name[:120] for name in tensors[:NAMED])}{more}"]


def shortened(faults: list[str]) -> list[str]:
    more = [f"... and {len(faults) - NAMED} more like the last"] if len(faults) > NAMED else []
    return faults[:NAMED] + more
