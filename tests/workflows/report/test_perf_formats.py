"""JUnit XML of performance tests, read again by a parser of it."""

from junitparser import Error, Failure, JUnitXml

from slipway_steps.domain.verdict import Check, Verdict
from slipway_workflows.report.perf_formats import junit


def test_rejected_is_a_failure_and_unknown_is_an_error() -> None:
    checks = [Check(code=verdict.value, verdict=verdict, message=f"is {verdict}\x00") for verdict in Verdict]
    xml = JUnitXml.fromstring(junit([("a", checks, ["Argo: is gone"], 1.5), ("b", [], [], 2.5)]).encode())
    first, second = list(xml)
    results = {case.name: [type(one) for one in case.result] for case in first}
    assert results == {"pass": [], "reject": [Failure], "inconclusive": [Error], "error": [Error], "Argo": [Error]}
    assert (first.failures, first.errors) == (1, 3)
    (case,) = second
    assert (case.name, case.time) == ("measured", 2.5)
