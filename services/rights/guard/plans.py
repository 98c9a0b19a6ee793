"""The prompt guard over a whole order: every text that a person wrote in a brief, each name told with its places.

Templates are looked at as they stand and filled in, so that a name cannot be put together from a prompt and an axis.
Nothing here stops an order; the caller decides what a refusal means.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.planning.brief import Brief, Cue
from services.planning.faults import shown
from services.planning.plan import Plan
from services.rights.guard.engine import Match
from services.rights.guard.guard import Guard

Path = tuple[str | int, ...]
REMEDY = "describe the music without it: genre, mood, instruments, tempo"


@dataclass(frozen=True)
class Finding:
    """A name in a field of a brief (`cues[2].prompt`), and the sentence that tells of it, with file and line."""

    field: str
    match: Match
    sentence: str


@dataclass(frozen=True)
class PlanFindings:
    """What the guard found in an order. `refused` names may not be ordered, `doubtful` ones pass with a warning."""

    refused: tuple[Finding, ...] = ()
    doubtful: tuple[Finding, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """The refused names as sentences with their places."""
        return tuple(finding.sentence for finding in self.refused)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The doubtful names as sentences with their places."""
        return tuple(finding.sentence for finding in self.doubtful)


def judge_plan(plan: Plan, guard: Guard) -> PlanFindings:
    """What `guard` finds in title, catalog, zones, prompts, negative prompts, axis values and filled prompts.

    A refused name is told once for the title, each zone and each cue that holds it, in the order of the brief, so that
    all of them can be mended at once; a doubtful one is told once, unless it is refused anywhere."""
    refused: dict[tuple[str, Path], Finding] = {}
    doubtful: dict[str, Finding] = {}
    checked: dict[str, tuple[Match, ...]] = {}
    for path, text in _texts(plan):
        if text not in checked:
            checked[text] = guard.check(text)
        for match in checked[text]:
            if match.weight == "doubtful":
                doubtful.setdefault(match.name, _finding(plan, path, match))
            else:
                place = path[:2] if plan.read.path is not None else ()
                refused.setdefault((match.name, place), _finding(plan, path, match))
    names = {name for name, _ in refused}
    passing = (finding for name, finding in doubtful.items() if name not in names)
    return PlanFindings(tuple(refused.values()), tuple(passing))


def _finding(plan: Plan, path: Path, match: Match) -> Finding:
    what = f"{shown(match.text)} {match.why}"
    remedy = REMEDY if match.weight == "refused" else "it passes"
    origin = f"list: {match.source}, {match.licence}"
    fault = plan.read.fault(path, f"{what} [{origin}]", remedy)
    return Finding(fault.field, match, str(fault))


def _texts(plan: Plan) -> Iterator[tuple[Path, str]]:
    """Every text of an order with its path in the brief, then the prompts as they were filled in."""
    brief = plan.read.brief
    if plan.read.path is not None:  # an order by one sentence is titled by it
        yield ("title",), brief.title
    for at, zone in enumerate(brief.zones):
        yield ("zones", at, "name"), zone.name
        yield ("zones", at, "identity"), zone.identity
    yield from _cue_texts(("defaults",), brief.defaults)
    for at, cue in enumerate(brief.cues):
        yield from _cue_texts(("cues", at), cue)
    yield ("catalog",), brief.catalog
    yield from _filled(plan, brief)


def _cue_texts(path: Path, cue: Cue) -> Iterator[tuple[Path, str]]:
    yield (*path, "prompt"), cue.prompt or ""
    yield (*path, "negative"), cue.negative or ""
    for name, values in (cue.axes or {}).items():
        for at, value in enumerate(values):
            yield (*path, "axes", name, at), value
    yield (*path, "name"), cue.name or ""
    yield (*path, "state"), cue.state or ""


def _filled(plan: Plan, brief: Brief) -> Iterator[tuple[Path, str]]:
    """The distinct prompts of the takes, at the cue that they are of."""
    places: dict[str, Path] = {}
    for at, cue in enumerate(brief.cues):
        name = cue.name or brief.defaults.name or cue.state or brief.defaults.state or ""
        places[name] = ("cues", at, "prompt") if cue.prompt else ("defaults", "prompt")
    prompts: dict[str, str] = {}
    for take in plan.takes:
        prompts.setdefault(take.prompt, take.cue)
    for prompt, name in prompts.items():
        yield places.get(name, ("cues",)), prompt
