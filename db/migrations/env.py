"""Alembic's environment: one history for SQLite and PostgreSQL, run through `db.migrate` with an open connection."""

from alembic import context

from db.ledger_rows import Base  # and with it every module of tables: each of them is known

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
