"""Registered generators: checkpoints that users bring, pinned to the digest of their files"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = "registration"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("generator", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=200), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("asked_revision", sa.String(length=200), nullable=False),
        sa.Column("commit_id", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("text_encoder", sa.Text(), nullable=True),
        sa.Column("codec", sa.Text(), nullable=True),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("card", sa.JSON(), nullable=False),
        sa.Column("shape", sa.JSON(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("generator", "number", name=op.f("pk_registration")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _refuse_changes_in_postgresql()
    else:
        _refuse_changes_in_sqlite()


def downgrade() -> None:
    op.drop_table(TABLE)


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
    same = "(generator = NEW.generator AND number = NEW.number) OR (rowid = NEW.rowid)"
    op.execute(
        f'CREATE TRIGGER {TABLE}_refuses_replace BEFORE INSERT ON "{TABLE}" '
        f'WHEN EXISTS (SELECT 1 FROM "{TABLE}" WHERE {same}) '
        f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only: the row is there already'); END"
    )
