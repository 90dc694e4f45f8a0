"""NUL characters, enormous numbers and enormous names that only a run meets: each is an error of its node."""

from pathlib import Path
from typing import Any

import pytest
from engine_runs import Ran, call, given, pod, steps

NUL_NAME, LONG = "{{=fromJSON('\"/tmp/a\\\\u0000b\"')}}", "a" * 400
BYE = pod("bye")


def raw(path: str, **more: Any) -> dict[str, Any]:
    return pod("work", inputs={"artifacts": [{"name": "raw", "path": path, "raw": {"data": "x"}}], **more})


def container(**more: Any) -> dict[str, Any]:
    template = pod("work")
    return {**template, "container": {**template["container"], **more}}


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (raw(NUL_NAME), "NUL character"),
        (container(workingDir=NUL_NAME), "NUL character"),
        (container(terminationMessagePath=NUL_NAME), "NUL character"),
        (pod("work", outputs={"parameters": [{"name": "o", "valueFrom": {"path": NUL_NAME}}]}), "NUL character"),
        (pod("work", outputs={"artifacts": [{"name": "o", "path": NUL_NAME}]}), "NUL character"),
        (
            pod(
                "work",
                inputs={"artifacts": [{"name": "a", "path": "/tmp/a", "optional": True, "s3": {"key": NUL_NAME}}]},
            ),
            "NUL character",
        ),
        (pod("work", activeDeadlineSeconds="{{=repeat('9', 400)}}"), "is too large"),
        (pod("work", timeout="99999999999999999999999999h"), "is not a duration"),
        (pod("work", timeout="9223372037"), "is not a duration"),
    ],
)
def test_it_is_one_line(tmp_path: Path, work: dict[str, Any], said: str) -> None:
    ran = Ran(tmp_path, steps([call("a", "work")]), work, BYE, onExit="bye")
    assert ran.phases() == {"": "Failed", "[0]": "Error", "[0].a": "Error", ".onExit": "Succeeded"}
    assert said in ran.status["message"]
    assert "\n" not in ran.status["message"]
    assert not (ran.directory / "engine.log").exists()


def test_the_longest_timeout_is_that_of_go(tmp_path: Path) -> None:
    assert Ran(tmp_path, pod("main", timeout="9223372036s")).status["phase"] == "Succeeded"


@pytest.mark.parametrize("where", ["workflow", "template"])
def test_a_mutex_may_have_any_name(tmp_path: Path, where: str) -> None:
    lock = {"synchronization": {"mutexes": [{"name": LONG}]}}
    ran = Ran(tmp_path, pod("main", **(lock if where == "template" else {})), **(lock if where == "workflow" else {}))
    assert ran.status["phase"] == "Succeeded"


def test_mutexes_that_differ_in_one_character_are_two(tmp_path: Path) -> None:
    inner = pod("inner", synchronization={"mutexes": [{"name": "a_b"}]})
    main = steps([call("inner")], synchronization={"mutexes": [{"name": "a/b"}]})
    assert Ran(tmp_path, main, inner, activeDeadlineSeconds=5).status["phase"] == "Succeeded"


@pytest.mark.parametrize(
    "sequence",
    [
        {"start": "1", "end": "99999999999"},
        {"start": "99999999999", "end": "1"},
        {"count": "100001"},
        {"count": "{{=repeat('9', 200)}}"},
    ],
)
def test_a_sequence_has_an_end(tmp_path: Path, sequence: dict[str, str]) -> None:
    ran = Ran(tmp_path, steps([call("a", "work", withSequence=sequence)]), pod("work"), BYE, onExit="bye")
    assert ran.phases() == {"": "Failed", "[0]": "Error", ".onExit": "Succeeded"}
    assert "more than 100000 items" in ran.status["message"]


def test_a_width_that_go_does_not_take_is_no_verb(tmp_path: Path) -> None:
    loop = call("a", "work", withSequence={"count": "1", "format": "n%99999999999d"})
    ran = Ran(tmp_path, steps([loop]), pod("work"))
    assert ran.phases()["[0].a(0:n%!NOVERB%!EXTRA int=0)"] == "Succeeded"


def test_a_backoff_that_no_number_holds_ends_at_its_cap(tmp_path: Path) -> None:
    backoff = {"duration": "1ms", "factor": "999999999999999999", "cap": "1ms"}
    main = pod("main", "exit 1", retryStrategy={"limit": "25", "backoff": backoff})
    ran = Ran(tmp_path, main)
    assert (ran.status["phase"], ran.status["message"]) == ("Failed", "No more retries left")
    assert not (ran.directory / "engine.log").exists()


def test_a_parameter_s_value_may_hold_a_nul(tmp_path: Path) -> None:
    ran = Ran(tmp_path, steps([call("a", "work", arguments=given(p="a\0b"))]), pod("work", inputs=given(p="")))
    assert ran.status["phase"] == "Succeeded"
