"""Pushes to phones: Firebase Cloud Messaging by its HTTP API, version 1."""
