"""OCI images: a layout on disk, or a registry."""
