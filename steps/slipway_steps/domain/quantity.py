"""Quantities as Kubernetes writes them: `256Mi`, `500m`, `1e3`."""

from decimal import Decimal, InvalidOperation

BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
DECIMAL = {
    suffix: Decimal(1000) ** power for suffix, power in zip("numkMGTPE", (-3, -2, -1, 1, 2, 3, 4, 5, 6), strict=True)
}


def parse_quantity(text: str) -> Decimal:
    """The number that a quantity stands for: bytes for memory, cores for CPU. Raises ValueError for anything else."""
    for suffix, factor in (BINARY | DECIMAL).items():
        if text.endswith(suffix):
            return _number(text.removesuffix(suffix), text) * factor
    return _number(text, text)


def _number(digits: str, text: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no quantity of Kubernetes") from error
