"""The names of steps, by nodes as Argo stores them."""

import pytest

from slipway_steps.adapters.targets.step_names import step_name


@pytest.mark.parametrize("shown", ["train", "train(0)", "train(1)"])
def test_attempts_of_a_step_are_one_step(shown: str) -> None:
    assert step_name({"displayName": shown, "templateName": "work", "boundaryID": "wf"}) == "train"


def test_a_step_of_a_loop_has_its_own_name() -> None:
    assert step_name({"displayName": "train(0:a)", "templateName": "work", "boundaryID": "wf"}) == "train(0:a)"


@pytest.mark.parametrize("shown", ["wf-x7k2p", "wf-x7k2p(0)", "wf-x7k2p.onExit"])
def test_a_pod_of_no_steps_has_the_name_of_its_template(shown: str) -> None:
    assert step_name({"displayName": shown, "templateName": "work"}) == "work"
    assert step_name({"displayName": shown, "templateRef": {"name": "shared", "template": "work"}}) == "work"
