"""Tells programs by HTTP, as Standard Webhooks says."""
