"""What tests of the search index may ask for."""

from collections.abc import AsyncIterator

import pytest

from sigdep.adapters.opensearch.search_index import OpenSearchIndex
from sigdep.testing.opensearch_server import OpenSearchServer


@pytest.fixture
async def opensearch(opensearch_server: OpenSearchServer) -> AsyncIterator[OpenSearchIndex]:
    index = OpenSearchIndex(opensearch_server.url, search_seconds_max=60.0)  # A busy machine fails no test.
    yield index
    await index.close()
