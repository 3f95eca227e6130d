"""What has happened, by subject: names of types that were stored are never changed.

Sealed with the key of the person or the workspace that they are about, but for those that say otherwise.
Instants are UTC.
"""
