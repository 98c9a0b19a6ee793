"""Models that were trained here: the run, its weights, and every take that it was made of"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = {"training": ("id",), "training_take": ("training_id", "take_id")}  # with their keys; both append-only


def upgrade() -> None:
    op.create_table(
        "training",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.String(length=200), nullable=False),
        sa.Column("weights_digest", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("catalogs", sa.JSON(), nullable=False),
        sa.Column("takes", sa.Integer(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("code", sa.JSON(), nullable=False),
        sa.Column("licences", sa.JSON(), nullable=False),
        sa.Column("evaluation", sa.JSON(), nullable=False),
        sa.Column("fact_ids", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training")),
    )
    op.create_index("ix_training_weights_digest", "training", ["weights_digest"])
    op.create_table(
        "training_take",
        sa.Column("training_id", sa.String(length=64), nullable=False),
        sa.Column("take_id", sa.String(length=64), nullable=False),
        sa.Column("split", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pcm_sha256", sa.String(length=64), nullable=False),
        sa.Column("audio_sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["take_id"], ["take.id"], name=op.f("fk_training_take_take_id_take")),
        sa.ForeignKeyConstraint(
            ["training_id"], ["training.id"], name=op.f("fk_training_take_training_id_training")
        ),
        sa.PrimaryKeyConstraint("training_id", "take_id", name=op.f("pk_training_take")),
    )
    op.create_index("ix_training_take_take_id", "training_take", ["take_id"])
    refuse = _refuse_in_postgresql if op.get_bind().dialect.name == "postgresql" else _refuse_in_sqlite
    for table, key in TABLES.items():
        refuse(table, key)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _refuse_in_postgresql(table: str, _: tuple[str, ...]) -> None:
    """By the function that 0002 made. ENABLE ALWAYS: `session_replication_role = replica` does not get past it."""
    for name, when, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
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
    same = f"({' AND '.join(f'{name} = NEW.{name}' for name in key)}) OR (rowid = NEW.rowid)"
    op.execute(
        f'CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON "{table}" '
        f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {same}) '
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: the row is there already'); END"
    )
