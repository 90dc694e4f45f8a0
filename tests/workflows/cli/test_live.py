"""The name by which `slipway run` and `slipway watch` show a node."""

import pytest

from slipway_workflows.cli.live import name_for_people


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("deploy", "deploy"),
        ("deploy(0)", "deploy"),
        ("deploy(2)", "deploy, attempt 3"),
        ("test/gates/load/load(0)", "test/gates/load"),
        ("load/load(1)", "load, attempt 2"),
        ("train/other(0)", "train/other"),
        ("items(0:a)", "items(0:a)"),
        ("", ""),
    ],
)
def test_a_first_try_is_the_step_and_a_later_one_says_so(name: str, said: str) -> None:
    assert name_for_people(name) == said
