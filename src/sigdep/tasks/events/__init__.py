"""What has happened, by subject: names of types that were stored are never changed.

Fields that may be left out say nothing: an edit names what it changed and nothing else, and None says that a field was
cleared. Instants are UTC.
"""
