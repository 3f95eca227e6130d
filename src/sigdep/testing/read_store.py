"""The contract suite of the read store: what every adapter must do."""

from sigdep.testing.read_store_batches import BatchesContract, BuildsContract
from sigdep.testing.read_store_questions import QuestionsContract, SearchContract
from sigdep.testing.read_store_random import RandomQuestionsContract


class ReadStoreContract(RandomQuestionsContract, QuestionsContract, SearchContract, BatchesContract, BuildsContract):
    """All of it."""
