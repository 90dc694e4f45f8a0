"""Reads Argo's YAML, finds templates by name, and refuses what the engine cannot run."""
