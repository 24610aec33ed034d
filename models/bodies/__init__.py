"""What callers send and are sent, as marshmallow reads and spells it: the same in the web tier and in workers."""
