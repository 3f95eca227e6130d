"""What has happened, by subject: names of types that were stored are never changed.

Fields that may be left out say nothing: an edit names what it changed and nothing else, and None says that a field was
cleared. Instants are UTC. A time on the wall is text, `2026-12-01T09:00:00`, and a date is `2026-12-01`.
"""
