"""Picks the adapters of a process: the only module that knows which ones exist."""
