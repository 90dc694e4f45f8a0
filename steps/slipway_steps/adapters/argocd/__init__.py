"""Argo CD: environments on a cluster."""
