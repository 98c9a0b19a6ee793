"""What platforms, laws and collecting societies ask about generated music, answered from the record.

Who asks, and what (see the texts for where that was read; none of it is legal advice):
- Steam, content survey as of January 2026: generative content that ships or is in marketing, pre-generated or live.
- EU AI Act, Art. 50(2): generated audio is marked in a machine-readable way.
- US Copyright Office (January 2025) and ASCAP, BMI, SOCAN (October 2025): what people put into each work.
- DDEX ERN 4.3.2, `ContainsAI` of a recording: all, partly or none.

Rules:
- Counts come from takes that have a sound; what is only ordered, or failed, discloses nothing.
- Rule-based composition, trained models, brought-in audio and what is not known are never added up into one number.
- Where the record is silent the text says so. It never concludes from silence that nothing was generated.

Rows stream; only counts are kept. Nothing here reads a database or a file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from db.canonical import text_time
from services.audit.documents import day, moment, period, takes
from services.audit.origins import IMPORTED, KIND_WORDS, KINDS, RULES, TRAINED, UNKNOWN, Origin, about, origins
from services.audit.rows import AuditRow, AuditSummary, ChainItem, Contributed, Released
from services.web.templating import visible

AUTHORED = ("lyrics", "melody", "edit", "arrangement", "performance", "mixing")  # a part of what is heard
CHOSEN = ("selection",)
CARRIERS = ("audio/wav", "audio/flac", "audio/mpeg", "audio/ogg", "image/png")  # that credentials can be written for
CREDENTIALS_ROLE = "credentials:"
_UNMARKED_SHOWN = 20


@dataclass(frozen=True)
class ContainsAi:
    """DDEX's answer for one take: `value` is all, partly, none, or unknown where the record does not tell."""

    value: str
    why: str


@dataclass(frozen=True)
class Marking:
    """Which files of releases that stand carry C2PA credentials. Counts are files, without the sidecars; `unmarked` are
    paths, at most 20 of them; `withdrawn` the releases that were called back, with how many files each.

    Told from the record of releases: a file that can carry credentials and left with other bytes than its master's was
    signed on its way out; for Ogg a sidecar went along. That each holds is for `cueworks release --check` to show."""

    embedded: int = 0
    sidecar: int = 0
    unmarked: int = 0
    unable: int = 0
    unmarked_paths: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    withdrawn: tuple[tuple[Released, int], ...] = ()

    @property
    def files(self) -> int:
        return self.embedded + self.sidecar + self.unmarked + self.unable

    def as_json(self) -> dict[str, Any]:
        """The counts, the releases they are of, and those that are not counted."""
        counts = {name: getattr(self, name) for name in ("embedded", "sidecar", "unable", "unmarked")}
        gone = [{"release": release.name, "files": number} for release, number in self.withdrawn]
        return {"files": self.files, **counts, "releases": list(self.standing), "withdrawn": gone}


@dataclass(frozen=True)
class Section:
    """The answer to one asker: `asked` is the question as we know it and where that was read."""

    name: str
    asked: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Disclosure:
    """Every answer, with the counts it was made from. `counts` holds takes by kind of generator and more."""

    title: str
    catalog: str
    known_at: datetime
    sections: tuple[Section, ...]
    counts: Mapping[str, Any]
    facts: tuple[str, ...]

    def text(self) -> str:
        """Plain text, a chapter an asker."""
        known = f"from the record as of {moment(self.known_at)}"
        head = f"Disclosure for {_line(self.title)} (catalog {self.catalog}), {known}"
        parts = [head, "=" * len(head), ""]
        for section in self.sections:
            parts += [section.name, "-" * len(section.name), f"Asked: {section.asked}", "", *section.lines, ""]
        parts.append(f"Facts this rests on: {', '.join(self.facts) or 'none on record'}.")
        parts.append("It states what is on record. It is no legal advice; platforms change their questions.")
        return "\n".join(parts) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        sections = [{"name": part.name, "asked": part.asked, "lines": list(part.lines)} for part in self.sections]
        return {
            "title": self.title, "catalog": self.catalog, "known_at": text_time(self.known_at), "sections": sections,
            "counts": dict(self.counts), "facts": list(self.facts),
        }  # fmt: skip


def contains_ai(origin: Origin, contributions: Sequence[Contributed]) -> ContainsAi:
    """DDEX's `ContainsAI` for a take, from how its sound was made and what people put into it."""
    authored = sorted({part.kind for part in contributions if part.kind in AUTHORED})
    if origin.kind == RULES:
        return ContainsAi("none", f"composed by rules, no trained model ({origin.basis})")
    if origin.kind == TRAINED and authored:
        return ContainsAi("partly", f"a trained model, with human {', '.join(authored)}")
    if origin.kind == TRAINED:
        return ContainsAi("all", "a trained model; no human part of the sound is on record")
    return ContainsAi("unknown", f"{KIND_WORDS[origin.kind]} ({origin.basis}); ask who made it")


def marking(items: Iterable[ChainItem]) -> Marking:
    """How the files of releases are marked; `items` come release by release, of which one at a time is held.

    Sidecars are items whose role begins with `credentials:`."""
    counted: Counter[str] = Counter()
    unmarked: list[str] = []
    standing: list[str] = []
    withdrawn: list[tuple[Released, int]] = []
    for release, found in groupby(items, key=lambda item: item.release):
        known = list(found)
        if release.withdrawn_at is not None:
            withdrawn.append((release, sum(not _is_sidecar(item) for item in known)))
            continue
        standing.append(release.name)
        kinds = _marks(known)
        counted.update(kind for _, kind in kinds)
        unmarked = sorted([*unmarked, *(path for path, kind in kinds if kind == "unmarked")])[:_UNMARKED_SHOWN]
    return Marking(**counted, unmarked_paths=tuple(unmarked), standing=tuple(standing), withdrawn=tuple(withdrawn))


def _marks(items: Sequence[ChainItem]) -> list[tuple[str, str]]:
    """(path, how it is marked) of the files of one release."""
    sidecars = [item.path for item in items if _is_sidecar(item)]
    beside = {path.rsplit(".", 1)[0] for path in sidecars} | {path.removesuffix(".c2pa") for path in sidecars}
    return [(item.path, _marked(item, beside)) for item in items if not _is_sidecar(item)]


def _is_sidecar(item: ChainItem) -> bool:
    return item.role.startswith(CREDENTIALS_ROLE)


def _marked(item: ChainItem, beside: set[str]) -> str:
    if beside & {item.path, item.path.rsplit(".", 1)[0]}:
        return "sidecar"
    if item.media_type not in CARRIERS:
        return "unable"
    embeds = item.media_type != "audio/ogg" and item.sha256 != item.source_sha256
    return "embedded" if embeds else "unmarked"


def disclose(summary: AuditSummary, rows: Iterable[AuditRow], marked: Marking | None = None) -> Disclosure:
    """Every disclosure of a catalog. `rows` are its takes; `marked` tells of files that left (None: not looked at)."""
    known = origins(summary.generators, summary.facts)
    counted = _Counts()
    for row in rows:
        if row.pcm_sha256 is not None and row.status != "superseded":
            counted.add(row, known.get((row.generator, row.revision)) or Origin(UNKNOWN, "its generator is not listed"))
    sections = (
        _generators(summary, counted, known),
        _steam(counted, marked),
        _ai_act(counted, marked),
        _authorship(counted),
        _ddex(counted),
    )
    asked = summary.asked
    facts = tuple(fact.id for fact in summary.facts)
    counts = counted.as_json() | ({"files": marked.as_json()} if marked is not None else {})
    return Disclosure(summary.title, asked.catalog, asked.known_at, sections, counts, facts)


@dataclass
class _Counts:
    """What is counted while rows pass. All are takes with a sound."""

    kinds: Counter[str] = field(default_factory=Counter)
    released: Counter[str] = field(default_factory=Counter)
    generators: Counter[tuple[str, str]] = field(default_factory=Counter)
    contains_ai: Counter[str] = field(default_factory=Counter)
    contributions: Counter[str] = field(default_factory=Counter)
    authored: Counter[str] = field(default_factory=Counter)
    chosen: int = 0
    nobody: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, row: AuditRow, origin: Origin) -> None:
        self.kinds[origin.kind] += 1
        self.generators[row.generator, row.revision] += 1
        self.contains_ai[contains_ai(origin, row.contributions).value] += 1
        self.released[origin.kind] += any(release.withdrawn_at is None for release in row.releases)
        kinds = {part.kind for part in row.contributions}
        self.contributions.update(kinds)
        self.authored[origin.kind] += bool(kinds & set(AUTHORED))
        self.chosen += bool(kinds & set(CHOSEN)) or (row.review is not None and row.review.decision == "approve")
        self.nobody += not kinds
        if row.recorded_at is not None:
            self.first = min(self.first or row.recorded_at, row.recorded_at)
            self.last = max(self.last or row.recorded_at, row.recorded_at)

    @property
    def takes(self) -> int:
        return sum(self.kinds.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "takes": self.takes,
            "by_kind": {kind: self.kinds[kind] for kind in KINDS},
            "released_by_kind": {kind: self.released[kind] for kind in KINDS},
            "by_contribution": dict(sorted(self.contributions.items())),
            "without_contribution": self.nobody,
            "contains_ai": {value: self.contains_ai[value] for value in ("all", "partly", "none", "unknown")},
            "first_recorded_at": text_time(self.first) if self.first else None,
            "last_recorded_at": text_time(self.last) if self.last else None,
        }


def _generators(summary: AuditSummary, counted: _Counts, known: Mapping[tuple[str, str], Origin]) -> Section:
    lines = [f"{takes(counted.takes)} with a sound, {_span(counted)}."]
    for made in dict.fromkeys((total.generator, total.revision) for total in summary.generators):
        origin, facts = known[made], _cited(summary, made[0])
        told = f"told from {origin.basis}" if origin.kind != UNKNOWN else origin.basis
        lines.append(
            f"- {_line(made[0])}, revision {_line(made[1])}: {takes(counted.generators[made])}, "
            f"{KIND_WORDS[origin.kind]} ({told}). {facts}"
        )
    return Section("How the music was made", "which generators, and what each is", tuple(lines))


def _cited(summary: AuditSummary, generator: str) -> str:
    told = [
        f"{fact.id} ({_line(fact.component)}: {_line(fact.expression or fact.answer)}; source "
        f"{_line(fact.source) or 'not on record'}; held {period(fact.valid_from, fact.valid_to)}, "
        f"grade {fact.grade or 'not on record'})"
        for fact in about(generator, summary.facts)
    ]
    return f"Facts: {'; '.join(told)}." if told else "No fact about it is on record."


def _steam(counted: _Counts, marked: Marking | None) -> Section:
    trained, rules = counted.kinds[TRAINED], counted.kinds[RULES]
    lines = []
    if trained:
        lines.append(
            f"Pre-generated with a trained generative model: yes, {takes(trained)} of music. In releases that stand: "
            f"{counted.released[TRAINED]}. With a human part of the sound on record: {counted.authored[TRAINED]}."
        )
    else:
        lines.append("Pre-generated with a trained generative model: no take on record.")
    if rules:
        lines.append(
            f"Composed by an algorithm of fixed rules, without a trained model: {takes(rules)}. In releases that "
            f"stand: {counted.released[RULES]}. If the form counts any automatic composition, add them to the answer."
        )
    lines += _unsure(counted)
    lines.append(
        "Live-generated: nothing in this catalog is generated while the game runs; all are finished files. "
        "Whether the game generates other content is not on record here."
    )
    lines.append(
        "In the game or in marketing: the record tells what was released, not where it is used. Answer for both where "
        "the same files are in trailers or on the store page."
    )
    lines += _called_back(marked)
    lines.append(f"To do: {_survey(counted)}")
    asked = (
        "content survey, form of January 2026: generative content that ships with the game or is in its marketing, "
        "pre-generated or live"
    )
    return Section("Steam", asked, tuple(lines))


def _survey(counted: _Counts) -> str:
    """What to do with the form."""
    if counted.kinds[UNKNOWN] or counted.kinds[IMPORTED]:
        return "settle first what is named above as missing or brought in from elsewhere; the answer depends on it."
    if not counted.takes:
        return "make music first; without a take there is nothing to answer for."
    if counted.released[TRAINED]:
        return "state pre-generated music, name the model as above, and what people put in."
    if counted.kinds[TRAINED]:
        return (
            "no release that stands holds music of a trained model. State pre-generated music, naming the model, only "
            "where such takes go into the game or its marketing."
        )
    return (
        "by this record no music asks for the answer `pre-generated`, as long as the form means trained models; read "
        "its wording when you fill it in, and answer for the game's other content."
    )


def _called_back(marked: Marking | None) -> list[str]:
    """Releases that are not counted, one a line."""
    return [
        f"Not counted: release {_line(gone.name)} ({number} files), withdrawn on {day(gone.withdrawn_at)}: "
        f"{_line(gone.withdrawn_why or 'no reason on record')}. See that none of its files is in use."
        for gone, number in (marked.withdrawn if marked is not None else ())
    ]


def _unsure(counted: _Counts) -> list[str]:
    lines = []
    if counted.kinds[IMPORTED]:
        lines.append(f"Brought in from elsewhere: {takes(counted.kinds[IMPORTED])}. Ask who made them and how.")
    if counted.kinds[UNKNOWN]:
        lines.append(
            f"Missing: of {takes(counted.kinds[UNKNOWN])} the record does not tell how the sound was made. Add the "
            "fact (`cueworks licences add`) before you answer."
        )
    return lines


def _ai_act(counted: _Counts, marked: Marking | None) -> Section:
    lines = [f"Takes made with a trained model: {counted.kinds[TRAINED]}; by rules: {counted.kinds[RULES]}."]
    if counted.kinds[RULES]:
        lines.append(
            "Whether composition by fixed rules is an AI system in the Act's sense (Art. 3(1)) is not decided here; "
            "files of both kinds are marked on their way out."
        )
    lines += _unsure(counted)
    lines += _files(marked)
    lines += _called_back(marked)
    lines.append(f"To do: {_marking_work(marked)}")
    asked = (
        "Art. 50(2), from 2026-08-02, for systems already on the market from 2026-12-02: outputs are marked in a "
        "machine-readable format and detectable as artificially generated"
    )
    return Section("EU AI Act", asked, tuple(lines))


def _files(marked: Marking | None) -> list[str]:
    """How the files that left are marked."""
    if marked is None:
        return ["The files that left were not looked at here."]
    if not marked.files:
        return ["Nothing was released that stands, so no file that left is to be marked."]
    lines = [
        f"Files that left in releases that stand ({', '.join(map(_line, marked.standing))}): {marked.files}. By the "
        f"record, signed C2PA credentials are inside {marked.embedded} and beside {marked.sidecar} (.c2pa files); "
        f"{marked.unable} are of a kind that carries none, such as loop points; without: {marked.unmarked}."
    ]
    if marked.unmarked:
        lines.append(f"Without credentials: {', '.join(map(_line, marked.unmarked_paths))}.")
    return [
        *lines,
        "The credentials name the IPTC digital source type of each file: trainedAlgorithmicMedia for a trained model, "
        "algorithmicMedia for composition by rules. C2PA readers show them; whom they trust is their own list.",
    ]


def _marking_work(marked: Marking | None) -> str:
    """What is left to do so that files are marked."""
    if marked is None:
        return "ask `cueworks audit CATALOG --disclosure eu-ai-act`, which looks at the files that left."
    if not marked.files:
        return (
            "hand over files of a release only (`cueworks release`), which marks them, and ask again then. Masters in "
            "the store are unsigned by design."
        )
    lines = ["release the files without credentials again and hand over those."] if marked.unmarked else []
    if marked.sidecar:
        lines.append("hand over each .c2pa file with the file it belongs to, which is unmarked alone.")
    lines.append("`cueworks release --check FOLDER` reads every file of a release before it goes out.")
    return " ".join(text[0].upper() + text[1:] if number else text for number, text in enumerate(lines))


def _authorship(counted: _Counts) -> Section:
    lines = [f"- {kind}: {takes(number)}" for kind, number in sorted(counted.contributions.items())]
    lines = lines or ["No human contribution is on record for any take."]
    lines.append(f"Without any human contribution on record: {takes(counted.nobody)}.")
    lines.append(f"Approved or selected by a person: {takes(counted.chosen)}.")
    wholly, partly = counted.contains_ai["all"], counted.contains_ai["partly"]
    if wholly:
        lines.append(
            f"Made with a trained model and no human part of the sound on record: {takes(wholly)}; these societies do "
            "not register such works. Where people did put something in, put it on record."
        )
    if partly:
        told = f"Made with a trained model and a human part of the sound on record: {takes(partly)}"
        lines.append(f"{told}; these societies register such works.")
    asked = (
        "US Copyright Office (2025-01-29): prompts alone make nobody an author, so what did people put in; "
        "ASCAP, BMI, SOCAN (2025-10-28): partly AI works are registered, wholly AI works are not"
    )
    return Section("Authorship and collecting societies", asked, tuple(lines))


def _ddex(counted: _Counts) -> Section:
    lines = [f"- {value}: {takes(number)}" for value, number in sorted(counted.contains_ai.items())]
    lines.append("Composition by rules counts as none: no trained model took part. A partner may define AI wider.")
    if counted.contains_ai["unknown"]:
        lines.append("Missing: for `unknown` the record does not tell; DDEX has no such value, so find out first.")
    return Section("DDEX ERN 4.3.2", "ContainsAI of each sound recording: all, partly or none", tuple(lines))


def _span(counted: _Counts) -> str:
    if counted.first is None or counted.last is None:
        return "none of them with a time of recording"
    return f"recorded from {day(counted.first)} to {day(counted.last)}"


def _line(text: str) -> str:
    """Hostile text on one line of plain text: what cannot be seen is made visible."""
    return str(visible(text)).replace("\n", "[U+000A]").replace("\u2028", "[U+2028]").replace("\u2029", "[U+2029]")
