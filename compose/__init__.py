"""How the processes of Loom are put together: the command line, the supervisor of one machine, the embedded engines."""
