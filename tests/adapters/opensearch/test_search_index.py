"""The search index in OpenSearch keeps the contract."""

import pytest

from sigdep.adapters.opensearch.search_index import OpenSearchIndex
from sigdep.kernel.search_index import SearchIndex
from sigdep.testing.opensearch_server import FIRST_START_SECONDS_MAX
from sigdep.testing.search_index import SearchIndexContract

pytestmark = pytest.mark.timeout(FIRST_START_SECONDS_MAX)


class TestOpenSearchIndex(SearchIndexContract):
    @pytest.fixture
    async def index(self, opensearch: OpenSearchIndex) -> SearchIndex:
        return opensearch
