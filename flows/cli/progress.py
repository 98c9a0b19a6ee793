"""What a person sees of an order while it is carried out. Shows only; decides nothing."""

from flows.cli import output
from flows.orders import Watcher
from services.catalog.runs import StartedRun


class ShownProgress(Watcher):
    """Tells what was planned, then counts takes; closes its bar when the block ends."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._counter: output.Counter | None = None
        self._catalog = ""

    def __enter__(self) -> "ShownProgress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._counter is not None:
            self._counter.__exit__()

    def planned(self, run: StartedRun) -> None:
        output.note(planned_line(run), self._quiet)
        if run.shards:
            self._catalog = run.catalog
            self._counter = output.Counter(run.catalog, run.to_render, self._quiet)
            self._counter.__enter__()
            self._counter.stage(f"{run.catalog}: starting")

    def hearing(self, takes: int) -> None:
        output.note(f"hearing {takes} takes that are there", self._quiet)

    def round(self, generator: str, takes: int) -> None:
        if self._counter is not None:
            self._counter.grow(takes)
            self._counter.stage(f"{self._catalog}: {takes} more by {generator}")

    def warm(self, seconds: float) -> None:
        if self._counter is not None:
            self._counter.stage(self._catalog)

    def recorded(self, done: int, failed: int) -> None:
        if self._counter is not None:
            self._counter.add(done + failed)


def planned_line(run: StartedRun) -> str:
    """`tiny: 6 takes ordered, 2 new, 1 superseded; 2 to render (0.3 minutes of music)`."""
    changed = run.registered
    parts = [f"{run.ordered} takes ordered", f"{changed.inserted} new"]
    parts += [f"{changed.superseded} superseded"] if changed.superseded else []
    parts += [f"{changed.revived} ordered again"] if changed.revived else []
    minutes = f"{run.seconds_of_music / 60:.1f} minutes of music"
    return f"{run.catalog}: {', '.join(parts)}; {run.to_render} to render ({minutes})"
