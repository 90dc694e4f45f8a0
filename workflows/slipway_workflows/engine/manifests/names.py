"""Names that Kubernetes makes of a `generateName`."""

import random

CHARACTERS = "bcdfghjklmnpqrstvwxz2456789"
"""The characters of a generated ending, as in Kubernetes: without vowels, so that it never forms a word."""


def generated_name(prefix: str) -> str:
    """`prefix` with a random ending of five characters."""
    return prefix + "".join(random.choices(CHARACTERS, k=5))  # noqa: S311 - a name, not a secret
