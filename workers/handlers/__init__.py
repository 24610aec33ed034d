"""One handler for each task kind of `models.messages`; a test holds the two against each other."""

from workers.handlers.announce_assets import AnnounceAssetsHandler
from workers.handlers.apply_duplicates import ApplyDuplicatesHandler
from workers.handlers.bulk_assets import BulkCreateHandler, BulkUpdateHandler
from workers.handlers.change_chosen import ChangeChosenHandler
from workers.handlers.collect_garbage import CollectGarbageHandler
from workers.handlers.delete_blob import DeleteBlobHandler
from workers.handlers.delete_holder import DELETE_HOLDER_HANDLERS
from workers.handlers.find_clusters import FindClustersHandler
from workers.handlers.find_duplicates import FindDuplicatesHandler
from workers.handlers.import_asset import ImportAssetHandler
from workers.handlers.index_vectors import IndexVectorsHandler
from workers.handlers.reconcile_index import DropIndexHandler, ReconcileIndexHandler
from workers.handlers.reindex import ReindexHandler
from workers.handlers.replay_webhook import ReplayWebhookHandler
from workers.handlers.run_pipeline import RunPipelineHandler
from workers.handlers.scan_pool import ScanPoolHandler
from workers.handlers.search_by_image import SearchByImageHandler
from workers.handlers.store_attachment import StoreAttachmentHandler
from workers.handlers.store_binary import StoreBinaryHandler
from workers.handlers.sweep import SweepHandler
from workers.handlers.verify_pool import VerifyPoolHandler
from workers.handling import Handler

HANDLERS: tuple[Handler, ...] = (
    ScanPoolHandler(),
    VerifyPoolHandler(),
    *DELETE_HOLDER_HANDLERS,
    AnnounceAssetsHandler(),
    StoreBinaryHandler(),
    ImportAssetHandler(),
    BulkCreateHandler(),
    BulkUpdateHandler(),
    ChangeChosenHandler(),
    RunPipelineHandler(),
    StoreAttachmentHandler(),
    DeleteBlobHandler(),
    ReindexHandler(),
    IndexVectorsHandler(),
    ReconcileIndexHandler(),
    DropIndexHandler(),
    SearchByImageHandler(),
    FindDuplicatesHandler(),
    ApplyDuplicatesHandler(),
    FindClustersHandler(),
    ReplayWebhookHandler(),
    SweepHandler(),
    CollectGarbageHandler(),
)
