"""The kinds of node: those that every worker has, one a file, and those that packages bring."""

from collections.abc import Mapping
from typing import Any

from models.pipelines.descriptors import NodeDescriptor
from workers.nodes.asset_source import AssetSourceNode
from workers.nodes.assign import AssignNode
from workers.nodes.base import Node, describe
from workers.nodes.blacklist_check import BlacklistCheckNode
from workers.nodes.chunk_hash import ChunkHashNode
from workers.nodes.consistency import ConsistencyNode
from workers.nodes.custom import load_custom
from workers.nodes.dominant_color import DominantColorNode
from workers.nodes.filesystem_source import FilesystemSourceNode
from workers.nodes.filter import FilterNode
from workers.nodes.fingerprint import FingerprintNode
from workers.nodes.hash_dedup import HashDedupNode
from workers.nodes.http_service import HttpEmbeddingNode, HttpServiceNode
from workers.nodes.image_descriptor import ImageDescriptorNode
from workers.nodes.image_hash import ImageHashNode
from workers.nodes.image_manipulation import ImageManipulationNode
from workers.nodes.md5 import Md5Node
from workers.nodes.metadata import MetadataNode
from workers.nodes.move import MoveNode
from workers.nodes.quality import QualityNode
from workers.nodes.s3_sink import S3SinkNode
from workers.nodes.scene_detection import SceneDetectionNode
from workers.nodes.sha256 import Sha256Node
from workers.nodes.sha512 import Sha512Node
from workers.nodes.tag import TagNode
from workers.nodes.text import TextNode
from workers.nodes.thumbnail import ThumbnailNode
from workers.nodes.watermark import WatermarkNode
from workers.nodes.webhook_call import WebhookCallNode

_BUILT_IN: Mapping[str, type[Node[Any]]] = {
    node.kind: node
    for node in (
        AssetSourceNode,
        FilesystemSourceNode,
        Sha512Node,
        Sha256Node,
        Md5Node,
        ChunkHashNode,
        ConsistencyNode,
        MetadataNode,
        QualityNode,
        ThumbnailNode,
        DominantColorNode,
        ImageHashNode,
        ImageDescriptorNode,
        FingerprintNode,
        SceneDetectionNode,
        TextNode,
        FilterNode,
        BlacklistCheckNode,
        HashDedupNode,
        TagNode,
        AssignNode,
        MoveNode,
        ImageManipulationNode,
        WatermarkNode,
        HttpServiceNode,
        HttpEmbeddingNode,
        WebhookCallNode,
        S3SinkNode,
    )
}
CUSTOM: Mapping[str, type[Node[Any]]] = load_custom(_BUILT_IN.keys())
NODES: Mapping[str, type[Node[Any]]] = {**_BUILT_IN, **CUSTOM}
DESCRIPTORS: Mapping[str, NodeDescriptor] = {kind: describe(node) for kind, node in NODES.items()}
