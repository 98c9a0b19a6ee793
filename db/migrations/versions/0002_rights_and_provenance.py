"""Rights and provenance: facts, verdicts, reviews, releases, the ledger; prompts in a table of their own"""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


APPEND_ONLY = {  # table: its key
    "licence_fact": ("id",),
    "judgement": ("id",),
    "judgement_fact": ("judgement_id", "fact_id"),
    "order_verdict": ("brief_id", "judgement_id"),
    "verdict": ("take_id", "stage", "judgement_id"),
    "review": ("id",),
    "contribution": ("id",),
    "release": ("id",),
    "release_item": ("release_id", "path"),
    "withdrawal": ("release_id",),
    "derivation": ("id",),
    "reference": ("sha256",),
    "ledger_entry": ("sequence",),
    "checkpoint": ("tree_size",),
}
UNIQUE_TOO = {  # table: what else must be unique in it
    "licence_fact": (("corrects",),), "release": (("catalog_id", "name"),),
}  # fmt: skip
READ = 5_000


def upgrade() -> None:
    op.create_table(
        "checkpoint",
        sa.Column(
            "tree_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frontier", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tree_size", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "fingerprint",
        sa.Column("pcm_sha256", sa.String(length=64), nullable=False),
        sa.Column("algorithm", sa.String(length=64), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pcm_sha256", name=op.f("pk_fingerprint")),
    )
    op.create_table(
        "judgement",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=24), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("licensee", sa.JSON(), nullable=False),
        sa.Column("generator", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("duties", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
    )
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.create_index("ix_judgement_generator_revision", ["generator", "revision"], unique=False)

    op.create_table(
        "ledger_entry",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("catalog", sa.String(length=64), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_ledger_entry")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_entry_kind", ["kind"], unique=False)
        batch_op.create_index("ix_ledger_entry_subject", ["subject"], unique=False)

    op.create_table(
        "licence_fact",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("component", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("licensee", sa.String(length=32), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("trigger", sa.String(length=64), nullable=False),
        sa.Column("revenue_cap_usd", sa.Double(), nullable=True),
        sa.Column("volume_cap", sa.BigInteger(), nullable=True),
        sa.Column("attribution", sa.Text(), nullable=False),
        sa.Column("output_ownership", sa.Text(), nullable=False),
        sa.Column("training_data", sa.Text(), nullable=False),
        sa.Column("duties", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("terms_sha256", sa.String(length=64), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.Column("corrects", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["corrects"], ["licence_fact.id"], name=op.f("fk_licence_fact_corrects_licence_fact")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_fact")),
        sa.UniqueConstraint("corrects", name=op.f("uq_licence_fact_corrects")),
    )
    with op.batch_alter_table("licence_fact", schema=None) as batch_op:
        batch_op.create_index("ix_licence_fact_subject", ["subject"], unique=False)

    op.create_table(
        "prompt",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_prompt")),
    )
    op.create_table(
        "reference",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pcm_sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_reference")),
    )
    with op.batch_alter_table("reference", schema=None) as batch_op:
        batch_op.create_index("ix_reference_pcm_sha256", ["pcm_sha256"], unique=False)

    op.create_table(
        "judgement_fact",
        sa.Column("judgement_id", sa.String(length=64), nullable=False),
        sa.Column("fact_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["fact_id"], ["licence_fact.id"], name=op.f("fk_judgement_fact_fact_id_licence_fact")),
        sa.ForeignKeyConstraint(
            ["judgement_id"], ["judgement.id"], name=op.f("fk_judgement_fact_judgement_id_judgement")
        ),
        sa.PrimaryKeyConstraint("judgement_id", "fact_id", name=op.f("pk_judgement_fact")),
    )
    with op.batch_alter_table("judgement_fact", schema=None) as batch_op:
        batch_op.create_index("ix_judgement_fact_fact_id", ["fact_id"], unique=False)

    op.create_table(
        "release",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("catalog_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("licensee", sa.JSON(), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["catalog_id"], ["catalog.id"], name=op.f("fk_release_catalog_id_catalog")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("catalog_id", "name", name=op.f("uq_release_catalog_id_name")),
    )
    op.create_table(
        "order_verdict",
        sa.Column("brief_id", sa.Integer(), nullable=False),
        sa.Column("judgement_id", sa.String(length=64), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brief_id"], ["brief.id"], name=op.f("fk_order_verdict_brief_id_brief")),
        sa.ForeignKeyConstraint(
            ["judgement_id"], ["judgement.id"], name=op.f("fk_order_verdict_judgement_id_judgement")
        ),
        sa.PrimaryKeyConstraint("brief_id", "judgement_id", name=op.f("pk_order_verdict")),
    )
    op.create_table(
        "withdrawal",
        sa.Column("release_id", sa.String(length=36), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_withdrawal_release_id_release")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_withdrawal")),
    )
    op.create_table(
        "contribution",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("take_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["take_id"], ["take.id"], name=op.f("fk_contribution_take_id_take")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution")),
    )
    with op.batch_alter_table("contribution", schema=None) as batch_op:
        batch_op.create_index("ix_contribution_take_id", ["take_id"], unique=False)

    op.create_table(
        "derivation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=True),
        sa.Column("take_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["take_id"], ["take.id"], name=op.f("fk_derivation_take_id_take")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_derivation")),
    )
    with op.batch_alter_table("derivation", schema=None) as batch_op:
        batch_op.create_index("ix_derivation_sha256", ["sha256"], unique=False)
        batch_op.create_index("ix_derivation_take_id", ["take_id"], unique=False)

    op.create_table(
        "release_item",
        sa.Column("release_id", sa.String(length=36), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("take_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("judgement_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["judgement_id"], ["judgement.id"], name=op.f("fk_release_item_judgement_id_judgement")
        ),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_release_item_release_id_release")),
        sa.ForeignKeyConstraint(["take_id"], ["take.id"], name=op.f("fk_release_item_take_id_take")),
        sa.PrimaryKeyConstraint("release_id", "path", name=op.f("pk_release_item")),
    )
    with op.batch_alter_table("release_item", schema=None) as batch_op:
        batch_op.create_index("ix_release_item_sha256", ["sha256"], unique=False)
        batch_op.create_index("ix_release_item_take_id", ["take_id"], unique=False)

    op.create_table(
        "review",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("take_id", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["take_id"], ["take.id"], name=op.f("fk_review_take_id_take")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.create_index("ix_review_take_id", ["take_id"], unique=False)

    op.create_table(
        "verdict",
        sa.Column("take_id", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("judgement_id", sa.String(length=64), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["judgement_id"], ["judgement.id"], name=op.f("fk_verdict_judgement_id_judgement")),
        sa.ForeignKeyConstraint(["take_id"], ["take.id"], name=op.f("fk_verdict_take_id_take")),
        sa.PrimaryKeyConstraint("take_id", "stage", "judgement_id", name=op.f("pk_verdict")),
    )
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.create_index("ix_verdict_judgement_id", ["judgement_id"], unique=False)

    _prompts_to_their_table()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    _prompts_back_to_takes()
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.drop_index("ix_verdict_judgement_id")

    op.drop_table("verdict")
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.drop_index("ix_review_take_id")

    op.drop_table("review")
    with op.batch_alter_table("release_item", schema=None) as batch_op:
        batch_op.drop_index("ix_release_item_take_id")
        batch_op.drop_index("ix_release_item_sha256")

    op.drop_table("release_item")
    with op.batch_alter_table("derivation", schema=None) as batch_op:
        batch_op.drop_index("ix_derivation_take_id")
        batch_op.drop_index("ix_derivation_sha256")

    op.drop_table("derivation")
    with op.batch_alter_table("contribution", schema=None) as batch_op:
        batch_op.drop_index("ix_contribution_take_id")

    op.drop_table("contribution")
    op.drop_table("withdrawal")
    op.drop_table("order_verdict")
    op.drop_table("release")
    with op.batch_alter_table("judgement_fact", schema=None) as batch_op:
        batch_op.drop_index("ix_judgement_fact_fact_id")

    op.drop_table("judgement_fact")
    with op.batch_alter_table("reference", schema=None) as batch_op:
        batch_op.drop_index("ix_reference_pcm_sha256")

    op.drop_table("reference")
    op.drop_table("prompt")
    with op.batch_alter_table("licence_fact", schema=None) as batch_op:
        batch_op.drop_index("ix_licence_fact_subject")

    op.drop_table("licence_fact")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_entry_subject")
        batch_op.drop_index("ix_ledger_entry_kind")

    op.drop_table("ledger_entry")
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.drop_index("ix_judgement_generator_revision")

    op.drop_table("judgement")
    op.drop_table("fingerprint")
    op.drop_table("checkpoint")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION cueworks_refuse()")


def _prompts_to_their_table() -> None:
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.add_column(sa.Column("prompt_sha256", sa.String(length=64), nullable=True))
    bind = op.get_bind()
    take = sa.table("take", sa.column("prompt"), sa.column("prompt_sha256"))
    prompt = sa.table("prompt", sa.column("sha256"), sa.column("text"))
    texts = list(bind.execute(sa.select(take.c.prompt).distinct()).scalars())
    rows = [{"key": sha256(text.encode()).hexdigest(), "words": text} for text in texts]
    for start in range(0, len(rows), READ):
        part = rows[start : start + READ]
        bind.execute(sa.insert(prompt).values(sha256=sa.bindparam("key"), text=sa.bindparam("words")), part)
    op.execute("CREATE TEMPORARY TABLE prompt_key AS SELECT sha256, text FROM prompt")
    op.execute("CREATE INDEX ix_prompt_key ON prompt_key (" + _indexed("text") + ")")
    key = sa.table("prompt_key", sa.column("sha256"), sa.column("text"))
    matches = (_indexed_column(key.c.text) == _indexed_column(take.c.prompt)) & (key.c.text == take.c.prompt)
    filled = sa.select(key.c.sha256).where(matches).scalar_subquery()
    bind.execute(sa.update(take).values(prompt_sha256=filled))
    op.execute("DROP TABLE prompt_key")
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.alter_column("prompt_sha256", existing_type=sa.String(length=64), nullable=False)
        batch_op.create_foreign_key(op.f("fk_take_prompt_sha256_prompt"), "prompt", ["prompt_sha256"], ["sha256"])
        batch_op.create_index("ix_take_prompt_sha256", ["prompt_sha256"], unique=False)
        batch_op.drop_column("prompt")


def _indexed(column: str) -> str:
    """PostgreSQL's indexes hold no long texts: a digest of them will do."""
    return f"md5({column})" if op.get_bind().dialect.name == "postgresql" else column


def _indexed_column(column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.func.md5(column) if op.get_bind().dialect.name == "postgresql" else column


def _prompts_back_to_takes() -> None:
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.add_column(sa.Column("prompt", sa.Text(), nullable=True))
    op.execute("UPDATE take SET prompt = (SELECT text FROM prompt WHERE sha256 = take.prompt_sha256)")
    with op.batch_alter_table("take", schema=None) as batch_op:
        batch_op.alter_column("prompt", existing_type=sa.Text(), nullable=False)
        batch_op.drop_constraint(op.f("fk_take_prompt_sha256_prompt"), type_="foreignkey")
        batch_op.drop_index("ix_take_prompt_sha256")
        batch_op.drop_column("prompt_sha256")


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        _refuse_in_postgresql(table)
    else:
        _refuse_in_sqlite(table, APPEND_ONLY[table])


def _refuse_in_postgresql(table: str) -> None:
    """ENABLE ALWAYS: `session_replication_role = replica` does not get past it. Row triggers miss TRUNCATE."""
    op.execute(
        "CREATE OR REPLACE FUNCTION cueworks_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation'; "
        "END $$"
    )
    for name, when in (("change", "UPDATE OR DELETE"), ("truncate", "TRUNCATE")):
        each = "STATEMENT" if name == "truncate" else "ROW"
        op.execute(
            f'CREATE TRIGGER {table}_refuses_{name} BEFORE {when} ON "{table}" '
            f"FOR EACH {each} EXECUTE FUNCTION cueworks_refuse()"
        )
        op.execute(f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER {table}_refuses_{name}')


def _refuse_in_sqlite(table: str, key: tuple[str, ...]) -> None:
    """`INSERT OR REPLACE` deletes past DELETE triggers: a guard stands before the insert too."""
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f'CREATE TRIGGER {table}_refuses_{event.lower()} BEFORE {event} ON "{table}" '
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: {event} refused'); END"
        )
    same = " OR ".join(
        "(" + " AND ".join(f"{column} = NEW.{column}" for column in columns) + ")"
        for columns in (key, *UNIQUE_TOO.get(table, ()), ("rowid",))  # whatever REPLACE would make room for
    )
    op.execute(
        f'CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON "{table}" '
        f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {same}) '
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: the row is there already'); END"
    )
