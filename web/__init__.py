"""The web tier: parse, authorise, one short transaction, answer. Anything heavy is a task."""
