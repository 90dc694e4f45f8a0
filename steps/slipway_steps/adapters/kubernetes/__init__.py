"""The adapter of the Kubernetes API."""
