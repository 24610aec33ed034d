"""What every process of Loom shares: settings, errors, tables, business rules and the ports to the engines.

Nothing here knows Flask, a Dramatiq actor or the scheduler; `pyproject.toml` holds the import rule.
"""
