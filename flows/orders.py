"""An order from plan to page: what the command and the deployed flow both do, in this order and no other.

Everything up to "is anything left to render?" happens before Prefect and Ray are started; where nothing is left,
neither starts. Ray, its actors and Prefect's server come up side by side.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from db.ledger import ClockError
from flows.prefect_server import EmbeddedServer
from models.registry import Card
from services.catalog import runs
from services.catalog.acceptance import replaced, shortfalls
from services.catalog.driving import Driver, Turns
from services.catalog.lock import catalog_lock
from services.catalog.pages import publish
from services.catalog.rounds import Rounds, begin, widened
from services.generators.known import KnownGenerators
from services.planning.faults import BriefError
from services.planning.plan import Plan, named_generators, plan
from services.planning.reader import ReadBrief, read_brief
from services.planning.words import USES
from services.rendering.crews import Crews
from services.rendering.jobs import STOPPED, RenderingStoppedError
from services.rights import gate
from services.rights.guard import Guard, judge_plan
from services.rights.refusal import RefusedError
from services.settings import Settings


@dataclass(frozen=True)
class Choices:
    """What the command line may say about an order beyond its brief."""

    takes: int | None = None
    only: str | None = None
    generator: str | None = None
    use: str | None = None
    retry_quarantined: bool = False

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value}


def _process_start() -> float:
    """When this process started, on the clock of `time.perf_counter`; now, where the system does not tell.

    A command's seconds count from there, its imports included."""
    stat = Path("/proc/self/stat")
    if not stat.is_file():
        return time.perf_counter()
    ticks = int(stat.read_text().rpartition(")")[2].split()[19])  # proc(5): field 22, since boot, suspension included
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.perf_counter() - age


@dataclass
class Stages:
    """Seconds by stage since the command began, for the line that `generate` prints and for the run's row."""

    began: float = field(default_factory=_process_start)
    seconds: dict[str, float] = field(default_factory=dict)

    def reach(self, stage: str, at: float | None = None) -> None:
        """`stage` is reached now (or at a moment of `time.perf_counter`)."""
        self.seconds[stage] = round((at or time.perf_counter()) - self.began, 3)


@dataclass(frozen=True)
class Outcome:
    """What came of an order. `counts` are the run's takes by status; `stopped` says why rendering ended early,
    `warnings` where a checkpoint could not be exported, or why none was signed. `short` says which points have fewer
    good takes than their `accept` asks for (after a stop: of those of which no more are to come), `excused` how many
    takes did not come out where enough others are good."""

    run: runs.StartedRun
    counts: dict[str, int]
    page: Path
    stages: dict[str, float]
    stopped: str | None = None
    warnings: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    excused: int = 0

    @property
    def missing(self) -> int:
        """How many takes did not come out and are missed."""
        return sum(count for status, count in self.counts.items() if status != "done") - self.excused

    @property
    def complete(self) -> bool:
        return self.stopped is None and not self.short and self.missing <= 0


class Watcher:
    """What a caller may want to see on the way; the default watches nothing."""

    def planned(self, run: runs.StartedRun) -> None: ...

    def hearing(self, takes: int) -> None:
        """So many takes that are there are heard now: their brief chooses among them since."""

    def round(self, generator: str, takes: int) -> None:
        """So many takes of a generator are made in place of others."""

    def warm(self, seconds: float) -> None: ...

    def recorded(self, done: int, failed: int) -> None: ...


class Nameable(Collection[str]):
    """The generators that an order may name: the registered ones, and such as the policy has an answer for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = settings.known_generators()

    def __contains__(self, name: object) -> bool:
        return name in self._known or (isinstance(name, str) and gate.is_known(self._settings.read_register(), name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def read_plan(brief: Path, choices: Choices, settings: Settings) -> Plan:
    """Read and plan a brief file. Raises BriefError with every fault, RefusedError with every reason."""
    return make_plan(read_brief(brief, Nameable(settings)), choices, settings)


def make_plan(brief: ReadBrief, choices: Choices, settings: Settings) -> Plan:
    """Plan a brief, and ask the rights policy and the prompt guard. Nothing is written.

    Raises BriefError with every fault; RefusedError with every reason, for a generator that is not registered too,
    where the policy knows its name. An order that passes carries its duties, and doubtful words as warnings."""
    register, known = settings.read_register(), settings.known_generators()
    use = choices.use or brief.brief.use
    named = named_generators(brief.brief, choices.only, choices.generator)
    asked = {name: known[name].revision if name in known else "*" for name in named} if use in USES else {}
    if any(name not in known for name in asked):
        gate.check_names(register, brief.brief, asked, use)
    try:
        order = _planned(brief, choices, settings, known)
    except BriefError:
        gate.check_names(register, brief.brief, asked, use)  # nobody mends an order that may not be made at all
        raise
    found = judge_plan(order, Guard.load(settings.names))
    reasons = gate.reasons(register, judgements := gate.check_plan(register, order))
    if reasons or found.refusals:
        raise RefusedError([*reasons, *found.refusals])
    warnings = (*order.warnings, *found.warnings, *gate.over_caps(register, order))
    return replace(order, duties=gate.duties_of(judgements), warnings=warnings)


def _planned(brief: ReadBrief, choices: Choices, settings: Settings, known: KnownGenerators) -> Plan:
    return plan(
        brief,
        known,
        takes=choices.takes,
        only=choices.only,
        generator=choices.generator,
        use=choices.use,
        ceiling=settings.max_takes,
        obstacle=known.obstacle,
    )


def carry_out(
    order: Plan, choices: Choices, settings: Settings, stages: Stages, watcher: Watcher, server: bool = True
) -> Outcome:
    """Register the plan, render what is missing, write the page, sign. `server` False: Prefect's server is there.

    Raises ClockError, before anything is written, where the ledger is ahead of this machine's clock; CatalogBusyError
    when another driver works on the catalog; MissingCheckpointError where what is left to render needs files that are
    gone; SettingError where it needs a device that is not there; LedgerBrokenError, once all is recorded, where the
    ledger does not continue what was signed; RenderingStoppedError ends up in the outcome.
    """
    engine = settings.open_database()
    settings.check_ledger(engine)
    _keep_files(order, settings)
    with catalog_lock(settings.home, engine, order.catalog):
        wider, stocks = widened(engine, settings.home, order, watcher.hearing)
        cards = _cards(engine, wider, settings)
        at_once = settings.takes_at_once(cards.values())
        run, order, refused = begin(
            engine, order, wider, stocks, choices.as_json(), choices.retry_quarantined, cards, at_once
        )
        stages.reach("plan")
        watcher.planned(run)
        rounds = Rounds(engine, settings.home, order, run, cards, at_once, watcher.round)
        try:
            stopped = (
                _render(engine, rounds, list(cards.values()), settings, stages, watcher, server) if run.shards else None
            )
        except BaseException:
            with contextlib.suppress(Exception):  # the next run settles it; the first error is the one told
                runs.finish(engine, run.id, stages.seconds, interrupted=True)
            raise
        stocks = rounds.close()
        counts = runs.finish(engine, run.id, stages.seconds, interrupted=stopped is not None)
        page = publish(engine, settings.home, order.catalog)
    warnings = _signed(settings, engine)
    stages.reach("total")
    short = (*shortfalls(stocks, order.compared, stopped is not None), *([refused] if refused else ()))
    excused = len(replaced(stocks, run.id))
    run = replace(run, ordered=len(rounds.plan.takes))
    return Outcome(run, counts, page, stages.seconds, stopped, warnings, short, excused)


def _cards(engine: Any, order: Plan, settings: Settings) -> dict[str, Card]:
    """The cards of an order's generators. Raises MissingCheckpointError, UnknownGeneratorError; files that are gone
    matter only to takes that are not there yet."""
    known = settings.known_generators()
    cards: dict[str, Card] = {}
    for name, revision in order.generators:
        card = known.card_of(name, revision)
        if card is None or (known.obstacle(name, revision) and runs.unmade(engine, order, name)):
            card = known.present(name, revision)
        cards[name] = card
    return cards


def _keep_files(order: Plan, settings: Settings) -> None:
    """Put the SoundFont and the recordings that were ordered where generators look for them, now and when a take is
    reproduced."""
    read = order.read
    if read.sound_bank is not None and read.sound_bank_file is not None:
        from models.composer import foreign

        foreign.keep(read.sound_bank_file, read.sound_bank.sha256, settings.cache_dir)
    if recordings := order.recordings:
        from models import references

        for sha256, file in recordings.items():
            references.keep(file, sha256, settings.cache_dir)


def _signed(settings: Settings, engine: Any) -> tuple[str, ...]:
    """Sign what is on record; returns warnings. A clock that was set back meanwhile spoils nothing: the next run signs
    it."""
    try:
        signed = settings.sign_checkpoint(engine)
    except ClockError as error:
        return (f"no checkpoint was signed: {error}",)
    return signed.warnings if signed else ()


def _render(
    engine: Any,
    rounds: Rounds,
    cards: list[Card],
    settings: Settings,
    stages: Stages,
    watcher: Watcher,
    server: bool,
) -> str | None:
    """Run the flow; returns why it stopped early, None when it went through."""
    embedded = EmbeddedServer(settings.home)
    if server:
        embedded.start()
    crews: Crews | None = None
    try:
        crews = settings.open_crews(card for card in cards if card.id in rounds.run.turns)
        with _stopping_on_signals(crews) as begun:
            crews.begin()
            _start_up(embedded, crews, stages, watcher)
            return _run_flow(engine, crews, rounds, settings, stages, watcher, begun)
    except (RenderingStoppedError, KeyboardInterrupt) as error:
        return str(error) or STOPPED
    finally:
        if crews is not None:
            crews.close()
        if server:
            embedded.stop()


def _start_up(embedded: EmbeddedServer, crews: Crews, stages: Stages, watcher: Watcher) -> None:
    import_module("flows.generate")  # Prefect with it, while its server boots
    embedded.wait()
    stages.reach("prefect")
    crews.wait()
    stages.reach("pool")
    watcher.warm(stages.seconds["pool"])


def _run_flow(
    engine: Any,
    crews: Crews,
    rounds: Rounds,
    settings: Settings,
    stages: Stages,
    watcher: Watcher,
    begun: Callable[[], None],
) -> str | None:
    from flows.generate import SHARDS_AT_ONCE, driving, fault_of, render_run
    from services.catalog.pages import page_path

    run, listening = rounds.run, rounds.listening
    driver = Driver(
        engine, lambda shard: crews.executor(rounds.generator_of(shard)), run.id, watcher.recorded, listening=listening
    )

    turns = Turns(run.turns, crews.lanes, crews.release, SHARDS_AT_ONCE, driver.asking(rounds.more))
    with driving(driver, turns, begun):
        page = str(page_path(settings.home, run.catalog))
        state = render_run(run.catalog, run.id, run.shards, page, return_state=True)
    stages.reach("rendered")
    if driver.first_recorded:
        stages.reach("first take", driver.first_recorded)
    fault = next(iter(driver.faults.values()), None) or fault_of(state)
    if driver.told is None and fault is not None:
        raise fault
    return driver.told


@contextmanager
def _stopping_on_signals(crews: Crews) -> Iterator[Callable[[], None]]:
    """Ctrl-C and SIGTERM stop the pool; what is recorded stays. A second signal ends the process the usual way.

    Until the yielded function is called there is nothing to finish, and waiting ends at once with KeyboardInterrupt.
    Call it inside the flow: Prefect puts a SIGTERM handler of its own in place that would drop what is on its way.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    rendering = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        for name, handler in before.items():
            signal.signal(name, handler)
        crews.stop()
        if not rendering.is_set():
            raise KeyboardInterrupt

    def install() -> None:
        for name in before:
            signal.signal(name, stop)

    def begun() -> None:
        rendering.set()
        install()

    install()
    try:
        yield begun
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
