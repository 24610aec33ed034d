"""How patient workers are, wherever they run."""

POLL_MS = 50
"""An idle worker looks into Redis this often; Dramatiq's default of a second would be our latency."""
DRAIN_MS = 5_000
"""Asked to stop, a worker gives what runs so much time before it is handed back."""
