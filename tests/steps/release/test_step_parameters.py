"""What the parameters of every step refuse."""

import pytest

from slipway_steps import entry
from slipway_steps.domain.errors import BadInput

NUMBERS = [
    (step, name)
    for step in entry.STEPS
    for name, field in entry.load_step(step).Params.model_fields.items()
    if field.annotation is float
]


def test_there_are_numbers_to_try() -> None:
    assert ("evaluate", "accuracy_min") in NUMBERS
    assert ("load", "p95_max_ms") in NUMBERS


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(("step", "name"), NUMBERS)
def test_a_number_has_to_be_finite(step: str, name: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"{name.replace('_', '-')}: Input should be a finite number"):
        entry.parse(entry.load_step(step), [f"--{name.replace('_', '-')}={value}"])
