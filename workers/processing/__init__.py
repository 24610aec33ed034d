"""Pure work on files: walking, hashing, recognising. No database, no broker."""
