"""What alembic runs for every command; there is no alembic.ini, the configuration is made in code."""

from alembic import context

from shared.migrations import migration_options

context.configure(connection=context.config.attributes["connection"], **migration_options())
with context.begin_transaction():
    context.run_migrations()
