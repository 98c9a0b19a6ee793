"""Facts and judgements of the benchmark's catalog: the shipped facts, judged by the policy itself."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Engine, insert

from db.engine import reading, writing
from db.ledger import append
from db.rights_tables import Judgement, JudgementFact
from services.rights.policy import Licensee, Policy, Question
from services.rights.register import load, seed

LICENSEE = Licensee("company", 2_000_000.0)
DAY = date(2026, 3, 1)
MODELS = (
    ("composer", "sound-1+bank-46168bb5ef7954a4"), ("composer", "sound-2+bank-46168bb5ef7954a4"),
    ("composer", "sound-3+bank-80d1c2aa10f37be2"), ("facebook/musicgen-small", "main-4c8334b02c6e"),
    ("facebook/musicgen-small", "main-8a1e35c2f0aa"), ("facebook/musicgen-large", "main-c4f5a2e8d7b1"),
    ("facebook/musicgen-stereo-melody", "main-77ab00c91d2e"),
    ("stabilityai/stable-audio-open-1.0", "main-67ad84f1c2d3"),
    ("stabilityai/stable-audio-open-1.0", "main-f21265c1e2a4"), ("stabilityai/stable-audio-3-medium", "main-09af31c2"),
    ("ACE-Step/ACE-Step-v1-3.5B", "main-82cd0d7b6322"), ("ACE-Step/ACE-Step-v1-3.5B", "main-b9ad25d3f1aa"),
    ("ACE-Step/ACE-Step-1.5", "main-12fe88a0c3d2"), ("m-a-p/YuE-s1-7B", "main-5e21bb90ac1f"),
    ("cvssp/audioldm2-music", "main-3d4c1a2bfe87"), ("riffusion/riffusion-model-v1", "main-8f2e752c74e8"),
    ("google/magenta-realtime-2", "main-d0aa17c2b3f4"), ("HeartMuLa/HeartMuLa-oss-3B", "main-1c2d3e4f5a6b"),
    ("ASLP-lab/DiffRhythm-full", "main-6b7c8d9e0f1a"), ("tencent/SongGeneration", "main-2f3e4d5c6b7a"),
)  # fmt: skip


@dataclass(frozen=True)
class Right:
    """A generator at a revision, and what was judged of it when its takes were recorded."""

    generator: str
    revision: str
    judgement: str


def prepare(engine: Engine) -> list[Right]:
    """Record the shipped facts, judge every model by them, keep the judgements."""
    with writing(engine) as session:
        append(session, seed(session))
    with reading(engine) as session:
        policy = Policy(load(session))
    judged = [policy.judge(_question(*model)) for model in MODELS]
    with writing(engine) as session:
        rows = [{"id": one.id, **one.content(), "as_of": DAY} for one in judged]
        session.execute(insert(Judgement), rows)
        facts = [{"judgement_id": one.id, "fact_id": fact} for one in judged for fact in one.facts]
        session.execute(insert(JudgementFact), facts)
    return [Right(*model, one.id) for model, one in zip(MODELS, judged, strict=True)]


def _question(generator: str, revision: str) -> Question:
    return Question(generator, revision, "commercial-game", LICENSEE, DAY, datetime.now(UTC))
