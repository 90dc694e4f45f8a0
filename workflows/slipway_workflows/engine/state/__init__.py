"""What a run leaves on disk, and what other processes read of it."""
