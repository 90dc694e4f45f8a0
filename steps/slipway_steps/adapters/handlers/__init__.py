"""A packaged model and the processes that run its code."""
