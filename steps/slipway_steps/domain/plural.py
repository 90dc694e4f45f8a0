"""Numbers of things, for people."""


def so_many(number: int, noun: str) -> str:
    """A number with its noun: `1 run`, `2 runs`. noun: one of them, whose plural ends with s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def were(number: int) -> str:
    """`was` for one thing, else `were`."""
    return "was" if number == 1 else "were"
