"""How large a model is trained and how long: the presets that `cueworks train --preset` names.

`tiny` shows within a minute on a processor that everything works; it makes noises with the pace of music. `small` is
what half an hour of one GPU is meant for. Sizes follow EnCodec and MusicGen (arXiv 2210.13438, 2306.05284), made
smaller; steps, rates and batches are this project's own choice. Nothing here trains.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from models.house.sizes import CodecSize, LanguageSize

TINY, SMALL = "tiny", "small"


@dataclass(frozen=True)
class Course:
    """How one network learns: AdamW, `warmup` steps up to `rate`, then a cosine down to a tenth of it.

    `seconds` of sound are one row of a batch."""

    steps: int
    batch: int
    seconds: float
    rate: float
    warmup: int
    weight_decay: float = 0.01
    clip: float = 1.0


def with_so_many(course: Course, steps: int) -> Course:
    """A course of another number of steps, that is warm after a quarter of them at the latest."""
    return replace(course, steps=steps, warmup=max(1, min(course.warmup, steps // 4)))


@dataclass(frozen=True)
class Dropout:
    """How often captions lose a part: their description, each field, and everything (for guidance)."""

    description: float = 0.5
    field: float = 0.15
    all: float = 0.15


@dataclass(frozen=True)
class Preset:
    """Everything that a run's result depends on beside its takes and its seed. `stored` is the number type of the
    weights that are written; `judged` held-out takes are made anew by the model, at most `judged_s` seconds each."""

    name: str
    codec: CodecSize
    language: LanguageSize
    codec_course: Course
    model_course: Course
    dropout: Dropout = Dropout()
    held_out: float = 0.1
    threads: int = 1
    stored: str = "float32"
    judged: int = 4
    judged_s: float = 10.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def preset_of(told: dict[str, Any]) -> Preset:
    """The inverse of `Preset.as_json`."""
    codec = {**told["codec"], "ratios": tuple(told["codec"]["ratios"])}
    parts = {
        "codec": CodecSize(**codec), "language": LanguageSize(**told["language"]),
        "dropout": Dropout(**told["dropout"]),
        "codec_course": Course(**told["codec_course"]), "model_course": Course(**told["model_course"]),
    }  # fmt: skip
    return Preset(**{**told, **parts})


PRESETS = {
    TINY: Preset(
        TINY,
        CodecSize(16000, (8, 5, 4, 2), filters=4, hidden=32, codebooks=4, cardinality=256),
        LanguageSize(128, 2, 2, 256, text_width=64, text_layers=1, text_heads=2, vocabulary=512, window_frames=500),
        Course(steps=60, batch=4, seconds=0.5, rate=1e-3, warmup=5),
        Course(steps=60, batch=4, seconds=2.0, rate=2e-3, warmup=5),
        held_out=0.2, judged=2, judged_s=3.0,
    ),
    SMALL: Preset(
        SMALL,
        CodecSize(32000, (8, 5, 4, 4), filters=16, hidden=128, codebooks=4, cardinality=1024, lstm_layers=2),
        LanguageSize(384, 8, 6, 1536, text_width=256, text_layers=3, text_heads=4, vocabulary=2048, window_frames=1500,
                     dropout=0.1),
        Course(steps=20_000, batch=24, seconds=1.0, rate=3e-4, warmup=200),
        Course(steps=15_000, batch=24, seconds=15.0, rate=5e-4, warmup=500, weight_decay=0.05),
        threads=2, stored="float16", judged=48, judged_s=30.0,
    ),
}  # fmt: skip
