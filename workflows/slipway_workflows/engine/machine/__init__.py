"""What a run uses of this machine: processes, file system views, locks, objects."""
