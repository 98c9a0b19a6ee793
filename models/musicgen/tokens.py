"""Cutting text into the tokens of a checkpoint's own `tokenizer.json`, with the `tokenizers` library alone."""

from functools import lru_cache
from pathlib import Path
from typing import Any

_LARGEST = 1 << 26


class TokenizerError(ValueError):
    """A tokenizer file that cannot be read; the text says which and what to do."""


def load_tokenizer(path: Path) -> Any:
    """The tokenizer in a file: it neither pads nor cuts off. Raises TokenizerError."""
    from tokenizers import Tokenizer

    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"larger than {_LARGEST >> 20} MiB")
        made = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises Exception itself
        raise TokenizerError(f"{path}: no tokenizer can be read ({str(error)[:120]}); fetch it again") from error
    made.no_padding()
    made.no_truncation()
    return made


@lru_cache(maxsize=4)
def shared_tokenizer(path: Path) -> Any:
    """`load_tokenizer`, read once a process."""
    return load_tokenizer(path)
