"""Music for the benchmarks of fingerprints: the example briefs, composed, mastered and kept as FLAC files."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.orders import Choices, make_plan
from models.composer.generator import create
from models.generator import Request
from services.mastering.chain import master
from services.mastering.encode import encode
from services.planning.plan import Plan
from services.planning.reader import read_bytes
from services.settings import Settings

BRIEFS = Path(__file__).parents[2] / "flows" / "briefs"
SEEDS = {"rpg": "seed: 20261122", "background": "seed: 314159"}


@dataclass(frozen=True)
class Piece:
    """A mastered take: `same` tells which takes are of one brief and seed, cue, point of the axes, theme, genre."""

    path: Path
    brief: str
    cue: str
    point: str
    theme: int
    genre: str
    seconds: float

    def kinship(self, other: "Piece") -> str:
        """How hard a negative the two are: what they share, the most first."""
        if (self.brief, self.cue) == (other.brief, other.cue):
            return "same cue and words, other seed" if self.point == other.point else "same cue, other words"
        if self.theme == other.theme:
            return "same theme, other cue"
        return "same genre, other catalog" if self.genre == other.genre else "nothing but the bank"


def compose(folder: Path, briefs: tuple[str, ...], seeds: tuple[int, ...]) -> Iterator[Piece]:
    """Every take of the briefs, once with their own seed (0) and with each other seed; files go to `folder`."""
    settings = Settings.from_environment()
    composer = create(settings.cache_dir)
    composer.setup()
    for name in briefs:
        for seed in seeds:
            text = (BRIEFS / f"{name}.yaml").read_text()
            if seed:
                assert SEEDS[name] in text
                text = text.replace(SEEDS[name], f"seed: {seed}")
            plan = make_plan(read_bytes(text.encode()), Choices(), settings)
            yield from _pieces(composer, plan, f"{name}-{seed}", folder)


def _pieces(composer: object, plan: Plan, brief: str, folder: Path) -> Iterator[Piece]:
    for number, take in enumerate(plan.takes):
        request = Request(take.id, take.prompt, take.seed, take.controls)
        rendition = composer.generate([request])[0]  # type: ignore[attr-defined]
        mastered = master(rendition, take.delivery, take.controls.duration if take.controls.loop else None)
        path = folder / f"{brief}-{number:03d}.flac"
        encode(mastered.mix, "flac", path)
        yield Piece(path, brief, take.cue, str(take.point), take.controls.theme.seed, take.controls.genre,
                    mastered.mix.duration_s)  # fmt: skip


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder that is gone afterwards."""
    return tempfile.TemporaryDirectory(prefix="cueworks-")
