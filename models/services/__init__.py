"""Business functions, one file an area: `(uow, actor, ...)`. None commits; none knows HTTP or a broker."""
