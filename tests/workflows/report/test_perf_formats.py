"""JUnit XML of performance tests, read again by a parser of it."""

from junitparser import Error, Failure, JUnitXml

from slipway_steps.domain.verdict import Check, Verdict
from slipway_workflows.report.perf_formats import PerfSuite, junit


def read(*suites: PerfSuite) -> JUnitXml:
    return JUnitXml.fromstring(junit(suites).encode())


def test_rejected_is_a_failure_and_unknown_is_an_error() -> None:
    checks = [Check(code=verdict.value, verdict=verdict, message=f"is {verdict}\x00") for verdict in Verdict]
    xml = read(PerfSuite("a", "perf-1", checks, 1.5), PerfSuite("b", "perf-2", [], 2.5))
    first, second = list(xml)
    results = {case.name: [type(one) for one in case.result] for case in first}
    assert results == {"pass": [], "reject": [Failure], "inconclusive": [Error], "error": [Error]}
    assert (first.failures, first.errors) == (1, 2)
    (case,) = second
    assert case.name == "measured"


def test_a_suite_is_named_as_its_scenario_and_has_the_seconds_and_the_name_of_the_session() -> None:
    check = Check(code="runs", verdict=Verdict.PASS, message="5 runs succeeded")
    xml = read(
        PerfSuite("smoke", "perf-1", [check], 61.26),
        PerfSuite("pipeline.yaml", "perf-2", [check], 3),
        PerfSuite("pipeline.yaml", "perf-3", [check], 4),
    )
    suites = list(xml)
    assert [suite.name for suite in suites] == ["smoke", "pipeline.yaml", "pipeline.yaml (2)"]
    assert [case.classname for suite in suites for case in suite] == [f"perf.{suite.name}" for suite in suites]
    assert [suite.time for suite in suites] == [61.26, 3, 4]
    assert [one.value for suite in suites for one in suite.properties()] == ["perf-1", "perf-2", "perf-3"]
