"""The text index as the indexer keeps it: following the event log, and building it anew."""
