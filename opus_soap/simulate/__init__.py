"""A case system to test against: the same house with another database, offering the other service."""
