"""Alembic's environment: one history for SQLite and PostgreSQL, run through `db.migrate` with an open connection."""

from alembic import context

from db.rights_tables import Base  # and with it db.tables: every table is known

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
