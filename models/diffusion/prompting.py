"""A take's controls, written into its prompt the way each family of pipelines was taught to read.

- Stable Audio: a description followed by tags; how long the music is the model is told in seconds, not in words.
- AudioLDM2: a sentence.
- ACE-Step: its form of instruction, caption and facts (bpm, time signature, key, seconds), as its pipeline writes it.

The user's own words come first and stay as they are; nothing that they say is said again. The same prompt and controls
always give the same text. No weights and no torch here.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.controls import Controls
from models.musicgen.prompting import told_beside
from models.musicgen.tokens import shared_tokenizer

INSTRUCTION = "Fill the audio semantic mask based on the given conditions:"
_FORM = "# Instruction\n{}\n\n# Caption\n{}\n\n# Metas\n{}<|endoftext|>\n"
_MAJOR = ("major", "lydian", "mixolydian", "major pentatonic")


class Shaper:
    """Writes and measures the text that a pipeline is given."""

    def __init__(self, family: str, most_tokens: int, tokenizers: Sequence[Path] = ()) -> None:
        self.most_tokens = most_tokens
        self._written, self._tokenizers = _WRITTEN[family], tokenizers

    def text(self, prompt: str, controls: Controls) -> str:
        """The user's words, then whatever the controls say beyond them."""
        return self._written(" ".join(prompt.split()), controls)

    def tokens(self, text: str) -> int:
        """How many tokens the text encoders would read, end mark included: the more, where there are two of them.

        Raises TokenizerError."""
        if not self._tokenizers:
            raise ValueError("this shaper was made without a checkpoint, so it counts no tokens")
        return max(len(shared_tokenizer(tokenizer).encode(text).ids) for tokenizer in self._tokenizers)


def shaper(options: Mapping[str, Any]) -> Shaper:
    """The shaper of a registered pipeline, by its card's options."""
    folder, shape = Path(options["folder"]), options["shape"]
    names = ("tokenizer", "tokenizer_2") if shape["family"] == "audioldm2" else ("tokenizer",)
    return Shaper(shape["family"], shape["text_tokens"], [folder / name / "tokenizer.json" for name in names])


def tags(said: str, controls: Controls) -> str:
    """`a chase, rock, guitar, tense, combat, 120 BPM, D minor`."""
    told = dict(told_beside(said, controls))
    words = [told[name] for name in ("genre", "instrument", "moods", "keywords") if name in told]
    words += [f"{told['bpm']} BPM"] if "bpm" in told else []
    words += [controls.key] if "key" in told else []
    return ", ".join([*([said.rstrip(",. ")] if said.rstrip(",. ") else []), *words])


def sentence(said: str, controls: Controls) -> str:
    """`A chase. Tense rock music for combat with guitar, at 120 BPM, in D minor.`"""
    told = dict(told_beside(said, controls))
    words = " ".join([*(told[name] for name in ("moods", "genre") if name in told), "music"])
    words += f" for {told['keywords']}" if "keywords" in told else ""
    words += f" with {_listed(told['instrument'].split(', '))}" if "instrument" in told else ""
    words += f", at {told['bpm']} BPM" if "bpm" in told else ""
    words += f", in {controls.key}" if "key" in told else ""
    own = [_capital(said.rstrip(". ")) + "."] if said.rstrip(". ") else []
    return " ".join([*own, *([_capital(words) + "."] if told or not own else [])])


def form(said: str, controls: Controls) -> str:
    """ACE-Step's whole form; the caption holds what its fields have no room for."""
    told = dict(told_beside(said, controls))
    words = [told[name] for name in ("genre", "instrument", "moods", "keywords") if name in told]
    mode = controls.key.partition(" ")[2]
    words += [controls.key] if "key" in told and mode not in ("major", "minor") else []
    caption = ", ".join([*([said.rstrip(",. ")] if said.rstrip(",. ") else []), *words])
    return _FORM.format(INSTRUCTION, caption or "instrumental music", facts(controls))


def facts(controls: Controls) -> str:
    """The facts of ACE-Step's form, one a line; `N/A` where nothing is known."""
    tonic, _, mode = controls.key.partition(" ")
    key = f"{tonic} {'major' if mode in _MAJOR else 'minor'}" if tonic else "N/A"
    beats = controls.meter.partition("/")[0] or "N/A"
    bpm = str(round(controls.bpm)) if controls.bpm > 0 else "N/A"
    return f"- bpm: {bpm}\n- timesignature: {beats}\n- keyscale: {key}\n- duration: {int(controls.duration)} seconds\n"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


_WRITTEN: Mapping[str, Callable[[str, Controls], str]] = {
    "stable-audio": tags, "stable-audio-3": tags, "audioldm2": sentence, "ace-step": form,
}  # fmt: skip
