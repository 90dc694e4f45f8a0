"""The result of a handler's test as JUnit and SARIF, whatever the handler says."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase
from workflows.report.handler_results import result, unsent

from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report.handler_formats import junit, sarif


def cases(verdict: Verdict) -> dict[str, TestCase]:
    suites = JUnitXml.fromroot(ET.fromstring(junit(result(verdict)).encode()))
    return {case.name: case for suite in suites for case in suite}


def test_each_request_is_a_case_of_junit_and_a_fault_its_failure() -> None:
    found = cases(Verdict.REJECT)
    assert list(found) == ["one.json as application/json", "one.json as text/csv"]
    assert found["one.json as application/json"].is_passed
    (failure,) = found["one.json as text/csv"].result
    assert isinstance(failure, Failure)
    assert failure.type == "sample-fails"
    assert "(code/inference.py:41)" in failure.message


def test_a_request_that_was_not_sent_is_skipped_in_junit() -> None:
    found = result(Verdict.REJECT)
    found.end_to_end_results.append(unsent("late.json"))
    suites = JUnitXml.fromroot(ET.fromstring(junit(found).encode()))
    (told,) = [case.result for suite in suites for case in suite if case.name.startswith("late.json")]
    assert [type(one) for one in told] == [Skipped]
    assert told[0].message == "not sent, after 3 requests that ended the process"


def test_what_is_inconclusive_is_an_error_of_junit() -> None:
    ((name, case),) = cases(Verdict.INCONCLUSIVE).items()
    assert name == "no samples"
    assert isinstance(case.result[0], Error)


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.REJECT, Verdict.INCONCLUSIVE])
def test_sarif_has_a_rule_and_a_line_for_each_fault(verdict: Verdict) -> None:
    told = json.loads(sarif(result(verdict), None))
    assert told["version"] == "2.1.0"
    (run,) = told["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    faults = result(verdict).faults
    assert [one["ruleId"] for one in run["results"]] == [fault.code for fault in faults]
    assert {fault.code for fault in faults} == rules
    assert [one["level"] for one in run["results"]] == ["note" if fault.remark else "error" for fault in faults]
    for one in run["results"]:
        (location,) = one["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "code/inference.py"
        assert place["region"]["startLine"] >= 1


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.REJECT])
def test_sarif_of_a_whole_test_says_that_it_was_one(verdict: Verdict) -> None:
    (run,) = json.loads(sarif(result(verdict), None))["runs"]
    assert run["invocations"] == [{"executionSuccessful": True}]


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_sarif_of_a_test_that_was_not_finished_does_not_look_clean(verdict: Verdict) -> None:
    found = result(verdict).model_copy(update={"errors": ["the time for the whole test is over"]})
    (run,) = json.loads(sarif(found, None))["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (told,) = invocation["toolExecutionNotifications"]
    assert told == {"level": "error", "message": {"text": "the time for the whole test is over"}}


def test_sarif_of_an_error_without_a_reason_does_not_look_clean() -> None:
    found = result(Verdict.PASS).model_copy(update={"verdict": Verdict.ERROR})
    (run,) = json.loads(sarif(found, None))["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False


def location(directory: Path | None) -> dict[str, str]:
    """Where the SARIF of a test of this directory, or of an archive, says that its fault lies."""
    (run,) = json.loads(sarif(result(Verdict.REJECT), directory))["runs"]
    place: dict[str, str] = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    return place


def test_sarif_leads_from_the_root_of_the_repository_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "sub" / "a b%ü").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository" / "sub")
    assert location(Path("a b%ü")) == {"uri": "sub/a%20b%25%C3%BC/code/inference.py"}


def test_sarif_leads_from_the_working_directory_where_there_is_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "fm" / "bad").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert location(Path("fm/bad")) == {"uri": "fm/bad/code/inference.py"}
    monkeypatch.chdir(tmp_path / "here" / "fm" / "bad")
    assert location(Path()) == {"uri": "code/inference.py"}
    (tmp_path / "there").mkdir()
    assert location(tmp_path / "there") == {"uri": f"{tmp_path.as_uri()}/there/code/inference.py"}


def test_sarif_of_an_archive_says_that_its_paths_begin_in_it() -> None:
    (run,) = json.loads(sarif(result(Verdict.REJECT), None))["runs"]
    assert location(None) == {"uri": "code/inference.py", "uriBaseId": "PACKAGE"}
    assert run["originalUriBaseIds"] == {"PACKAGE": {"description": {"text": "the root of the archive model.tar.gz"}}}
