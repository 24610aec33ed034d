"""Vectors in an engine of their own: the port, and the adapter for Qdrant. Without one, pgvector compares in place."""

from models.vectors.port import VectorKind, VectorPoint, VectorStore
from models.vectors.qdrant import QdrantStore

__all__ = ["QdrantStore", "VectorKind", "VectorPoint", "VectorStore"]
