"""The scheduler: it submits what is due, relays events, and takes back what dead workers left. It never does work."""
