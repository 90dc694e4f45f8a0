"""Floor 0: what a release is. Standard library and pydantic only."""
