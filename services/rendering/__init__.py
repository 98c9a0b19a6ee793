"""Takes into files: executors that drive generators and finishing, in this process or on Ray actors.

The only service that knows Ray. Nothing here plans, judges or writes to a database: it yields recordings.
"""
