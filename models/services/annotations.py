"""Annotations: what people say about an area or a stretch of time of an asset."""

from __future__ import annotations

from models.entities import Annotation
from models.permissions import Entity
from models.services.crud import Resource
from models.services.visibility import Scope

ANNOTATIONS = Resource(Annotation, "annotation", Entity.ANNOTATION, Scope.OF_ASSET)
