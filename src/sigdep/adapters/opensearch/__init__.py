"""A search index in OpenSearch, or in Elasticsearch by the calls that both have."""
