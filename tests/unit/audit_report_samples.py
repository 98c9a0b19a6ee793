"""A made-up audit: takes of a composer, of a refused model, and of one that nothing is known of."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from services.audit.rows import (
    Asked,
    AuditRow,
    AuditSummary,
    ChainAsset,
    ChainAttempt,
    ChainBrief,
    ChainDerivation,
    ChainEntry,
    ChainItem,
    ChainVerdict,
    CitedFact,
    Contributed,
    GeneratorTotal,
    Judged,
    LedgerHead,
    OrderedBrief,
    Released,
    Reviewed,
    Stated,
    TakeChain,
    Why,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TODAY = date(2026, 3, 1)
HOSTILE = "<script>alert('x')</script> & \"quotes\" {{ 7*7 }} \u202egnp.exe \x07"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def fact(number: int, **changed: Any) -> CitedFact:
    base = CitedFact(
        f"fact-{number}", "composer", "weights", "*", "*", "allowed", "Apache-2.0", "", "yours", "none", "", None,
        "this project", "R", date(2026, 1, 1), None, NOON, None,
    )  # fmt: skip
    return replace(base, **changed)


COMPOSER_FACT = fact(1)
MUSICGEN_FACT = fact(
    2, subject="facebook/musicgen-small", answer="licence", expression="CC-BY-NC-4.0",
    training_data="20,000 h of music", terms_sha256=sha("terms"),
    source="facebookresearch/audiocraft model_cards/", corrects="fact-0",
)  # fmt: skip
ALLOWED = Judged(
    "allowed", (Why("weights", "allowed", "The licence allows it.", ("fact-1",)),), ("fact-1",), (), "Apache-2.0"
)
REFUSED = Judged(
    "refused", (Why("use", "refused", "CC-BY-NC-4.0 excludes commercial use.", ("fact-2",)),), ("fact-2",),
    ("Credit the maker.",), "CC-BY-NC-4.0",
)  # fmt: skip
UNKNOWN = Judged("unknown", (Why("facts", "unknown", "Nothing is known of mystery/model.", ()),), (), (), "")
BRIEF = sha("brief")
RELEASE = Released("r-1", "gold 1.0", "commercial-game", "plain", "Ada", NOON, sha("manifest"), None, None)
REVIEW = Reviewed("approve", "Ada", "fits the cave", NOON)
MELODY = Contributed("melody", "Ada", "the theme, whistled", sha("theme"), NOON)


def stated(stage: str, answer: str = "allowed") -> Stated:
    return Stated(stage, answer, sha(f"judgement {answer}"), "commercial-game", TODAY, NOON)


def row(number: int = 0, **changed: Any) -> AuditRow:
    base = AuditRow(
        take=sha(f"take {number}"), catalog="ashfall", zone="ashwood", cue="combat", state="combat",
        point=json.dumps({"time": "night"}), index=number, prompt=f"tense strings {number}",
        prompt_sha256=sha(f"tense strings {number}"), seed=2**53 - 1 - number, generator="composer", revision="c" * 64,
        status="done", planned_at=NOON, recorded_at=NOON, pcm_sha256=sha(f"pcm {number}"),
        master_sha256=sha(f"master {number}"), master_path=f"ashfall/combat/take {number}/mix.flac",
        master_media_type="audio/flac", duration_s=61.5, engine_profile=sha("profile"), plan=stated("plan"),
        record=stated("record"), release=stated("release"), judged=ALLOWED, review=REVIEW, releases=(RELEASE,),
        contributions=(MELODY,), ledger=(1, 7), brief_sha256=BRIEF,
    )  # fmt: skip
    return replace(base, **changed)


BARE: dict[str, Any] = {
    "zone": None, "point": "{}", "recorded_at": None, "pcm_sha256": None, "master_sha256": None, "master_path": None,
    "master_media_type": None, "duration_s": None, "engine_profile": None, "plan": None, "record": None,
    "release": None, "review": None, "releases": (), "contributions": (), "ledger": (), "brief_sha256": None,
}  # fmt: skip


def refused(number: int, **changed: Any) -> AuditRow:
    values = {"generator": "facebook/musicgen-small", "revision": "m" * 40, "judged": REFUSED} | changed
    return row(number, **values)


def unknown(number: int, **changed: Any) -> AuditRow:
    values = BARE | {"generator": "mystery/model", "revision": "1", "judged": UNKNOWN, "status": "planned"} | changed
    return row(number, **values)


ASKED = Asked("ashfall", "commercial-game", "company", 250_000.0, TODAY, NOON)
LEDGER = LedgerHead(9, sha("entry 8"), 9, sha("root"), NOON, "0123456789abcdef")
CARD = {"title": "The built-in composer", "licence": "Apache-2.0", "training_data": "none"}
GENERATORS = (
    GeneratorTotal("composer", "c" * 64, sha("bank"), 3, 1, ALLOWED, CARD),
    GeneratorTotal("facebook/musicgen-small", "m" * 40, sha("weights"), 1, 0, REFUSED),
    GeneratorTotal("mystery/model", "1", None, 1, 0, UNKNOWN),
)


def summary(**changed: Any) -> AuditSummary:
    base = AuditSummary(
        title="Ashfall & Ember", asked=ASKED, made_at=NOON, takes=5,
        by_answer={"allowed": 3, "allowed-with-duties": 0, "unknown": 1, "refused": 1},
        by_status={"done": 4, "planned": 1}, by_licence={"Apache-2.0": 3, "CC-BY-NC-4.0": 1, "": 1},
        generators=GENERATORS, blocking=2, reviewed={"approve": 4, "none": 1}, contributions={"melody": 4},
        releases=(RELEASE,),
        briefs=(OrderedBrief(BRIEF, "commercial-game", {"kind": "company"}, NOON, 5, (stated("plan"),)),),
        facts=(COMPOSER_FACT, MUSICGEN_FACT), ledger=LEDGER,
    )  # fmt: skip
    return replace(base, **changed)


def rows() -> list[AuditRow]:
    return [row(0), row(1), row(2), refused(3), unknown(4)]


def entry(sequence: int, kind: str, subject: str) -> ChainEntry:
    told = {"at": "2026-03-01T12:00:00.000000Z", "kind": kind, "sequence": sequence, "subject": subject}
    text = json.dumps({**told, "body": {"status": "done"}}, sort_keys=True, separators=(",", ":"))
    return ChainEntry(sequence, kind, subject, NOON, sha(text), sha("previous"), text)


def asset(role: str, media_type: str, end: str, take: AuditRow) -> ChainAsset:
    digest = take.master_sha256 if end == "flac" else sha(f"{role} {end} {take.take}")
    pcm = take.pcm_sha256 if end == "flac" else None
    path = f"ashfall/combat/take {take.index}/{role}.{end}"
    return ChainAsset(role, media_type, str(digest), 1000, path, 61.5, pcm, sha("profile"))


def chain(take: AuditRow | None = None, **changed: Any) -> TakeChain:
    one = take or row()
    signed, path = sha(f"signed {one.take}"), f"combat/take {one.index + 1}.flac"
    item = ChainItem(RELEASE, path, "mix", "audio/flac", signed, 1200, str(one.master_sha256), sha("judgement allowed"))
    edit = ChainDerivation("edit", sha("edit"), one.master_sha256, "Apache-2.0", "our studio", "Ada", "cut", NOON)
    verdicts = (ChainVerdict(stated("plan"), {"kind": "company"}, "*", ALLOWED.reasons, (), ("fact-1",)),)
    base = TakeChain(
        row=one, asked=ASKED,
        brief=ChainBrief(BRIEF, "commercial-game", {"kind": "company"}, NOON, "combat", "tense {mood} strings"),
        controls={"bpm": 144.0, "key": "D minor"}, delivery={"formats": ["flac", "ogg"]}, understanding=[],
        error=None, weights_digest=sha("bank"), card=CARD,
        facts=(COMPOSER_FACT,), verdicts=verdicts,
        attempts=(
            ChainAttempt("run-1", "failed", NOON, NOON, "actor-0", None, "ValueError: no"),
            ChainAttempt("run-1", "done", NOON, NOON, "actor-1", sha("profile"), None),
        ),
        assets=(asset("mix", "audio/flac", "flac", one), asset("mix", "audio/ogg", "ogg", one)),
        profiles={sha("profile"): {"threads": 1}}, measurements={"integrated_lufs": -23.0, "true_peak_dbtp": -1.5},
        reviews=(Reviewed("reject", "Grace", "too loud", NOON), REVIEW), items=(item,),
        derivations=(edit,),
        entries=(entry(1, "plan", one.take), entry(7, "take", one.take)), ledger=LEDGER,
    )  # fmt: skip
    return replace(base, **changed)
