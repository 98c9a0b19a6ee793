"""What a configuration may say at all: words and numbers beyond it are refused before anything is built from it.

Names of files, of code and of other ways to compute would lead the libraries to what nobody has looked at; sizes that
no component has would keep them busy without end. Nothing is built or opened here.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST_REPEATS = 64  # layers of a kind, and entries of a list
MOST_TRAINED = 10_000  # steps of a noise schedule, each of which is computed
_REPEATED = re.compile(r"(^|_)(layers|depths?|n_layer|num_blocks|sinusoidal_blocks|repeats|labels)(_|$)")
_LARGEST, _MOST_TOLD = 1 << 24, 20
_LONG = {"additional_special_tokens": 4096, "extra_special_tokens": 4096, "trained_betas": MOST_TRAINED}
_NAMED = {
    "num_train_timesteps": MOST_TRAINED, "solver_order": 4, "feature_size": 4096, "fft_window_size": 1 << 16,
    "model_max_length": 1 << 128,  # libraries write 10^30 for "any"
}  # fmt: skip
_LEADING = {
    "auto_map": "names code of its own",
    "transformers_weights": "names files of weights that nobody looked at",
    "quantization_config": "asks for weights in a form that is not read",
    "attn_implementation": "asks for another way to compute, which may be code of its own",
    "_attn_implementation": "asks for another way to compute, which may be code of its own",
    "experts_implementation": "asks for another way to compute, which may be code of its own",
    "_experts_implementation": "asks for another way to compute, which may be code of its own",
    "use_kernels": "asks for code of its own",
    "kernel_config": "asks for code of its own",
}
_FILES = ("tokenizer_file", "vocab_file", "merges_file", "spm_file", "gguf_file", "chat_template_file",
          "added_tokens_file", "special_tokens_map_file", "tokenizer_config_file")  # fmt: skip
_UNBUILT = ("added_tokens_decoder", "chat_template", "id2label", "label2id")


def unbelievable(where: str, config: Mapping[str, Any]) -> list[str]:
    """What in a configuration leads elsewhere or has no end, a sentence each."""
    try:
        found = [*_leading(config), *_beyond("", {k: v for k, v in config.items() if k not in _UNBUILT})]
    except RecursionError:
        return [f"{where}: nested too deeply to be a configuration"]
    return [f"{where}: {said}" for said in found[:_MOST_TOLD]]


def _leading(held: Any) -> Iterator[str]:
    for key, value in held.items() if isinstance(held, Mapping) else ():
        name = key.removesuffix("_internal")
        if name in _LEADING and value is not None:
            yield f"{_LEADING[name]} ({key}), which is never followed; take it out, or another pipeline"
        elif key in _FILES and value is not None and ("/" in str(value) or "\\" in str(value)):
            yield f"{key} is {str(value)[:80]!r}, a file elsewhere; take it out"
        yield from _leading(value)
    for value in held if isinstance(held, list) else ():
        yield from _leading(value)


def _beyond(name: str, value: Any) -> Iterator[str]:
    """Numbers and lists that no component has."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _beyond(str(key), inner)
    elif isinstance(value, list):
        if len(value) > (most := _LONG.get(name, MOST_REPEATS)):
            yield f"{name[:80]} has {len(value)} entries; at most {most} are believed"
        for inner in value[:most]:
            yield from _beyond(name, inner)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield f"{name[:80]} is {value}; a number is needed"
    elif type(value) is int and abs(value) > (most := _most(name)):
        yield f"{name[:80]} is {str(value)[:40]}; at most {most} is believed"


def _most(name: str) -> int:
    if name in _NAMED:
        return _NAMED[name]
    return MOST_REPEATS if _REPEATED.search(name) else _LARGEST
