"""Reads Argo's YAML, finds templates by name, and refuses what cannot run."""
