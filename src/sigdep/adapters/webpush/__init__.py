"""Pushes to browsers: Web Push (RFC 8030), encrypted for the browser alone and signed by this server."""
