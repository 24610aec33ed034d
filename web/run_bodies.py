"""Runs of pipelines, their items and what nodes did, as they are shown."""

from __future__ import annotations

from marshmallow import fields

from models.bodies.fields import AnswerSchema, Instant


class TallySchema(AnswerSchema):
    """How many executions of a node have ended, failed and skipped ones among them."""

    node_id = fields.String(data_key="nodeId")
    processed = fields.Integer(data_key="processedCount")
    failed = fields.Integer(data_key="failedCount")
    skipped = fields.Integer(data_key="skippedCount")


class RunSchema(AnswerSchema):
    """A run of a version of a pipeline."""

    uuid = fields.UUID()
    pipeline_id = fields.UUID(data_key="pipelineUuid")
    version = fields.Integer(data_key="pipelineVersion")
    status = fields.String()
    started = Instant()
    finished = Instant()
    media_count = fields.Integer(data_key="mediaCount")
    success_count = fields.Integer(data_key="successCount")
    failure_count = fields.Integer(data_key="failureCount")
    skipped_count = fields.Integer(data_key="skippedCount")
    dry_run = fields.Boolean(data_key="dryRun")
    duration_ms = fields.Integer(data_key="durationMs")
    error_message = fields.String(data_key="errorMessage")
    nodes = fields.List(fields.Nested(TallySchema), metadata={"description": "By node; only where one run is shown"})


class RunItemSchema(AnswerSchema):
    """An asset that went through."""

    uuid = fields.UUID()
    run_id = fields.UUID(data_key="runUuid")
    index = fields.Integer(data_key="itemSeq")
    asset_id = fields.UUID(data_key="assetUuid")
    filename = fields.String(data_key="mediaPath")
    sha512 = fields.String()
    size = fields.Integer(data_key="sizeBytes")
    state = fields.String()
    message = fields.String(data_key="errorMessage")
    duration_ms = fields.Integer(data_key="durationMs")
    finished = Instant()


class NodeTaskSchema(AnswerSchema):
    """What a node did for an asset."""

    item_id = fields.UUID(data_key="itemUuid")
    run_id = fields.UUID(data_key="runUuid")
    node_id = fields.String(data_key="nodeId")
    node_kind = fields.String(data_key="nodeKind")
    producer_version = fields.String(data_key="producerVersion")
    element = fields.Integer(data_key="elementSeq")
    state = fields.String()
    origin = fields.String()
    attempt = fields.Integer()
    duration_ms = fields.Integer(data_key="durationMs")
    message = fields.String(data_key="errorMessage")
    outputs = fields.Dict()
