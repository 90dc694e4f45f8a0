"""A packaged model on disk, and the processes that run its inference handler."""
