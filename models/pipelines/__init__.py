"""Pipelines without Flask, Dramatiq or SQLAlchemy: kinds of node, graphs, how an item runs through one.

`descriptors` and `content` are the words, `examining` reads a definition into a `graph` and finds all that is wrong
with it, `engine` takes one item through the graph.
"""
