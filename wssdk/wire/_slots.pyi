"""Nothing to import: the slots are filled on import."""
