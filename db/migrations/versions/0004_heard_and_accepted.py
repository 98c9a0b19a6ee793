"""What was heard of sounds, and which takes were accepted, kept or rejected for it"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "acceptance"  # append-only; what was heard can be heard again


def upgrade() -> None:
    op.create_table(
        "hearing",
        sa.Column("pcm_sha256", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("descriptor", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pcm_sha256", "revision", name=op.f("pk_hearing")),
    )
    op.create_table(
        TABLE,
        sa.Column("take_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("pcm_sha256", sa.String(length=64), nullable=False),
        sa.Column("listening", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["take_id"], ["take.id"], name=op.f("fk_acceptance_take_id_take")),
        sa.PrimaryKeyConstraint("take_id", "number", name=op.f("pk_acceptance")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _refuse_changes_in_postgresql()
    else:
        _refuse_changes_in_sqlite()


def downgrade() -> None:
    op.drop_table(TABLE)
    op.drop_table("hearing")


def _refuse_changes_in_postgresql() -> None:
    """By the function that 0002 made. ENABLE ALWAYS: `session_replication_role = replica` does not get past it."""
    for name, when, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        op.execute(
            f'CREATE TRIGGER {TABLE}_refuses_{name} BEFORE {when} ON "{TABLE}" '
            f"FOR EACH {each} EXECUTE FUNCTION cueworks_refuse()"
        )
        op.execute(f'ALTER TABLE "{TABLE}" ENABLE ALWAYS TRIGGER {TABLE}_refuses_{name}')


def _refuse_changes_in_sqlite() -> None:
    """`INSERT OR REPLACE` deletes past DELETE triggers: a guard stands before the insert too."""
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f'CREATE TRIGGER {TABLE}_refuses_{event.lower()} BEFORE {event} ON "{TABLE}" '
            f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only: {event} refused'); END"
        )
    same = "(take_id = NEW.take_id AND number = NEW.number) OR (rowid = NEW.rowid)"
    op.execute(
        f'CREATE TRIGGER {TABLE}_refuses_replace BEFORE INSERT ON "{TABLE}" '
        f'WHEN EXISTS (SELECT 1 FROM "{TABLE}" WHERE {same}) '
        f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only: the row is there already'); END"
    )
