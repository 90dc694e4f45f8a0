"""The image store: an OCI layout on disk, or an OCI registry."""
