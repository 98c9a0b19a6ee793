"""Prompts as each family of pipelines reads them, and the streams of noise that takes are made of."""

from pathlib import Path

import pytest
import torch

from models.controls import Controls, Theme
from models.diffusion.prompting import Shaper, shaper
from models.diffusion.streams import noise, stream
from tests.checkpoints import tokenizer

CONTROLS = Controls(
    state="combat", genre="lo-fi", mood="tense", bpm=92.5, key="D dorian", meter="6/8", instruments=("guitar", "bass"),
    excluded=(), bars=1, duration=30.7, form="A", intensity=3, loop=False, theme=Theme(1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("family", "prompt", "text"),
    [
        ("stable-audio", "A chase.", "A chase, lofi, guitar, bass, tense, combat, 92.5 BPM, D dorian"),
        ("stable-audio-3", " tense lo-fi  with guitars", "tense lo-fi with guitars, bass, combat, 92.5 BPM, D dorian"),
        ("audioldm2", "a chase",
         "A chase. Tense lofi music for combat with guitar and bass, at 92.5 BPM, in D dorian."),
        ("audioldm2", "", "Tense lofi music for combat with guitar and bass, at 92.5 BPM, in D dorian."),
        (
            "ace-step", "a chase",
            "# Instruction\nFill the audio semantic mask based on the given conditions:\n\n"
            "# Caption\na chase, lofi, guitar, bass, tense, combat, D dorian\n\n"
            "# Metas\n- bpm: 92\n- timesignature: 6\n- keyscale: D minor\n- duration: 30 seconds\n<|endoftext|>\n",
        ),
    ],
)  # fmt: skip
def test_controls_are_told_as_a_family_reads_them(family: str, prompt: str, text: str) -> None:
    assert Shaper(family, 128).text(prompt, CONTROLS) == text


def test_the_longest_of_two_tokenizers_counts(tmp_path: Path) -> None:
    for name in ("tokenizer", "tokenizer_2"):
        (tmp_path / name).mkdir()
        made = tokenizer()
        if name == "tokenizer_2":
            made.add_tokens(["calm music"])
        made.save(str(tmp_path / name / "tokenizer.json"))
    options = {"folder": str(tmp_path), "shape": {"family": "audioldm2", "text_tokens": 99}}
    assert shaper(options).most_tokens == 99
    assert shaper(options).tokens("calm music") == 3
    assert shaper({**options, "shape": {"family": "ace-step", "text_tokens": 9}}).tokens("calm music") == 3
    with pytest.raises(ValueError, match="without a checkpoint"):
        Shaper("ace-step", 1).tokens("x")


def test_a_stream_is_its_whole_seed_and_nothing_else() -> None:
    sizes = (3, 40)
    first = noise(stream(7), sizes)
    torch.manual_seed(1)
    assert torch.equal(first, noise(stream(7), sizes))
    assert stream(1 << 52).initial_seed() == 1 << 52
    for other in (8, 7 + (1 << 32), 7 + (1 << 52)):  # torch alone would see 32 bits
        assert not torch.equal(first, noise(stream(other), sizes))
    many = noise(stream(3), (100_000,))
    assert abs(float(many.mean())) < 0.02 and abs(float(many.std()) - 1) < 0.02
    assert first[0, 0, :3].tolist() == pytest.approx(GOLDEN)
    with pytest.raises(ValueError, match="not a whole number"):
        stream(-1)


GOLDEN = [0.250946, -1.072158, -0.979292]
