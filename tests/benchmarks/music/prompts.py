"""How much of what a hundred prompts say reaches the controls. Prompts and expectations lie beside their scorer."""

from collections.abc import Iterator

from tests import prompt_sets
from tests.benchmarks.music.notes import Share
from tests.benchmarks.music.report import Figure, Finding

HALVES = {"written_for": "prompts the lexicon knows", "held_out": "prompts held out"}
FIGURES = tuple(Figure(name, 0.90) for name in HALVES.values())


def findings() -> Iterator[Finding]:
    """One finding a half, and one of weight nothing for every attribute missed, so that it is named."""
    for half, figure in HALVES.items():
        if not (prompt_sets.FOLDER / f"{half}.yaml").is_file():
            continue
        score = prompt_sets.score(half)
        yield Finding(figure, "", "", f"{score.prompts} prompts", Share(score.met, score.asked))
        for missed in score.missed:
            what = f"{missed.prompt!r}: {missed.attribute} {missed.expected!r}, planned {missed.planned!r}"
            yield Finding(figure, "", "", what, Share(0, 1e-9))
