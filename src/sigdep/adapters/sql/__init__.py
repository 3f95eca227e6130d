"""Questions to a read store as SQL, for the adapters of every SQL database."""
