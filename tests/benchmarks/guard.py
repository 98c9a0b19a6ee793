"""What the prompt guard costs a prompt: `python -m tests.benchmarks.guard`.

Prompts of a usual length, with names in them and of the longest length a brief allows, at the list that ships and at
200,000 synthetic names on top of it. The last line is `us per prompt: <microseconds>`, at 200,000 names and the longest
prompts, the median of many, in processor time.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from services.rights.guard import Guard
from tests.benchmarks.machine import describe

NAMES = 200_000
LONGEST = 2000
HEADER = "name\tkind\tambiguity\tsource\tlicence\n"
SYLLABLES = ("ka", "lo", "mi", "ra", "ton", "vel", "shi", "dor", "en", "bal", "gus", "pri", "no", "tha", "wick",
             "zen", "fra", "mol")
TEXT = (
    "calm forest dawn warm strings harp and flute no drums the wolves attack with driving low brass taiko urgent "
    "night air journey across river rush queen of a hidden garden slow piano rain cafe late hopeful horn over timpani "
    "theme in D minor loop 16 bars soft pads train heart machine pulsing synth bass bells like wind under old bridge"
)
USUAL = (
    "calm forest at dawn, warm strings, harp and flute", "wolves attack, driving strings, taiko and low brass, urgent",
    "queen of the forest, kiss of the night air, a journey across the rush",
    "lo-fi beat, late night cafe, rain, 80 bpm",
)
TELLING = (
    "epic trailer in the style of Hans Zimmer", "M3tall1ca riffs, fast",
    "𝐌𝐞𝐭𝐚𝐥𝐥𝐢𝐜𝐚 and Qu\u0435en, like M e t a l l i c a",
    "sounds like Queen's, à la Kiss, cover of Yesterday",
)


def synthetic(folder: Path, count: int) -> Path:
    """A list of `count` names of one to three made-up words; one in fifty is an ordinary word too."""
    dice, names = random.Random(5), dict[str, str]()
    while len(names) < count:
        words = ["".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))).title() for _ in range(dice.randint(1, 3))]
        names[" ".join(words)] = "ordinary" if len(names) % 50 == 0 else ""
    file = folder / "synthetic.tsv"
    rows = (f"{name}\tartist\t{ambiguity}\tsynthetic\tCC0-1.0\n" for name, ambiguity in names.items())
    file.write_text(HEADER + "".join(rows))
    return file


def longest(seed: int) -> str:
    """A prompt of 2,000 characters of the words that prompts are made of."""
    dice = random.Random(seed)
    text = " ".join(dice.choices(TEXT.split(), k=LONGEST // 3))
    return text[:LONGEST]


def median(work: Callable[[], object], times: int) -> float:
    """Median microseconds of processor time of `work` (on a busy machine the wall's are not its own)."""
    spent = []
    for _ in range(times):
        start = time.thread_time()
        work()
        spent.append(time.thread_time() - start)
    return statistics.median(spent) * 1e6


def measure(guard: Guard) -> float:
    """Prints a row for each kind of prompt; microseconds of the longest."""
    wide = longest(0).replace("e", "е")
    kinds = {"usual": USUAL, "with names": TELLING, "2,000 characters": tuple(map(longest, range(8))),
             "2,000, look-alikes": (wide,)}
    spent = {}
    for kind, prompts in kinds.items():
        for prompt in prompts:
            guard.check(prompt)
        spent[kind] = statistics.mean(median(lambda prompt=prompt: guard.check(prompt), 200) for prompt in prompts)
        print(f"  {kind:20} {spent[kind]:8.0f} us a prompt")
    return spent["2,000 characters"]


def loaded(extra: tuple[Path, ...]) -> Guard:
    start = time.perf_counter()
    guard = Guard.load(extra)
    spent = (time.perf_counter() - start) * 1e3
    print(f"{guard.names:,} names, {guard.spellings:,} spellings, loaded in {spent:.0f} ms")
    return guard


def main() -> None:
    print(describe())
    Guard.load()
    measure(loaded(()))
    with tempfile.TemporaryDirectory() as scratch:
        figure = measure(loaded((synthetic(Path(scratch), NAMES),)))
    print(f"us per prompt: {figure:.0f}")


if __name__ == "__main__":
    main()
