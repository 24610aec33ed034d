"""Media are decoded in a child process of their own, which may be killed without hurting the worker."""
