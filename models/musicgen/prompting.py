"""A take's controls, written into its prompt the way MusicGen's training captions were.

Those are a description, then what was known of the recording as `key: value` pairs, joined by full stops; the fields
are genre, instrument, moods, keywords, bpm and key (audiocraft's `music_dataset`, `augment_music_info_description`).
The user's own words come first and stay as they are; nothing that they say is said again. The same prompt and controls
always give the same text. No weights and no torch here.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from models.controls import Controls
from models.musicgen.configs import TEXT_TOKENS
from models.musicgen.tokens import shared_tokenizer

# Controls that say nothing to a listener.
_SILENT = {"", "neutral", "music"}
_SPOKEN = {"lo-fi": "lofi"}


class Shaper:
    """Writes and measures the text that a checkpoint is given."""

    most_tokens = TEXT_TOKENS

    def __init__(self, tokenizer: Path | None = None) -> None:
        self._tokenizer = tokenizer

    def text(self, prompt: str, controls: Controls) -> str:
        """The user's words, then whatever the controls say beyond them."""
        return written(prompt, told_beside(prompt, controls))

    def tokens(self, text: str) -> int:
        """How many tokens the text encoder would read, its end mark included. Raises TokenizerError."""
        if self._tokenizer is None:
            raise ValueError("this shaper was made without a checkpoint, so it counts no tokens")
        return len(shared_tokenizer(self._tokenizer).encode(text).ids)


def told_beside(prompt: str, controls: Controls) -> list[tuple[str, str]]:
    """The fields of a caption, (name, value), that the prompt does not say itself."""
    return [(name, value) for name, value in _told(" ".join(prompt.split()), controls) if value]


def written(prompt: str, fields: Iterable[tuple[str, str]]) -> str:
    """A caption: a description, then fields. Training writes what its model reads by it too."""
    said = " ".join(prompt.split()).rstrip(". ")
    return ". ".join([*([said] if said else []), *(f"{name}: {value}" for name, value in fields)])


def shaper(options: Mapping[str, Any]) -> Shaper:
    """The shaper of a registered checkpoint, by its card's options."""
    return Shaper(Path(options.get("text_encoder") or options["folder"]) / "tokenizer.json")


def _told(said: str, controls: Controls) -> list[tuple[str, str]]:
    """The fields of a caption in their order; empty where there is nothing to add."""
    instruments = [name for name in controls.instruments if not _says(said, name)]
    return [
        ("genre", _unsaid(said, controls.genre)),
        ("instrument", ", ".join(instruments)),
        ("moods", _unsaid(said, controls.mood)),
        ("keywords", _unsaid(said, controls.state)),
        ("bpm", _tempo(said, controls.bpm)),
        ("key", "" if not controls.key or _says(said, controls.key) else controls.key.lower()),
    ]


def _unsaid(said: str, word: str) -> str:
    if word in _SILENT or _says(said, word):
        return ""
    return _SPOKEN.get(word, word.replace("-", " "))


def _says(said: str, words: str) -> bool:
    """Whether the text has these words, whatever their case, hyphens and plural."""
    stems = [re.escape(part.removesuffix("s")) for part in re.split(r"[\s-]+", words) if part]
    pattern = r"(?<!\w)" + r"[\s-]*".join(f"{stem}s?" for stem in stems) + r"(?!\w)"
    return bool(stems) and re.search(pattern, said, re.IGNORECASE) is not None


def _tempo(said: str, bpm: float) -> str:
    number = f"{round(bpm, 1):g}"
    exact = re.escape(number)
    spoken = rf"(?<![\d.]){exact}(\.0)?\s*(bpm|beats per minute)|bpm\W{{0,3}}{exact}(?![\d])"
    return "" if re.search(spoken, said, re.IGNORECASE) else number
