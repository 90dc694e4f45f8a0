"""Numbers with their nouns."""

from slipway_steps.domain.plural import so_many


def test_one_is_no_plural() -> None:
    assert [so_many(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
