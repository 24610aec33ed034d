"""Running pipelines: what becomes of an asset in a graph, and what of that is kept."""
