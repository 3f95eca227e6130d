"""What has happened, by subject: names of types that were stored are never changed."""
