"""What a release is. Uses the standard library and pydantic only."""
