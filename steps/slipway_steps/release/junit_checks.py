"""Reads checks from the JUnit XML that pytest writes."""

from pathlib import Path

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.verdict import Check, Verdict


def _number(text: str | None) -> float | str | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return text


def checks_of(path: Path) -> list[Check]:
    """One check for each executed test; a skipped test gives none. A test describes its check by the properties `code`,
    `measured`, `threshold`, `unit` and `message`, which it sets with pytest's `record_property`.

    Raises BadInput for a test that could not run (an error in a fixture or in the collection): such a test says nothing
    about the model.
    """
    from junitparser import Error, Failure, JUnitXml, Properties, Skipped, TestCase, TestSuite

    checks = []
    suites = JUnitXml.fromfile(str(path))
    for suite in [suites] if isinstance(suites, TestSuite) else suites:
        for case in suite:
            if not isinstance(case, TestCase):
                continue
            results = case.result
            if any(isinstance(result, Error) for result in results):
                raise BadInput(
                    f"evaluation test {case.name} could not run: {results[0].message}",
                    "see the log of this step",
                )
            if any(isinstance(result, Skipped) for result in results):
                continue
            failed = next((result for result in results if isinstance(result, Failure)), None)
            given = {p.name: p.value for p in case.child(Properties) or ()}
            said = given.get("message") or (failed.message or "" if failed else "").split("\n")[0] or case.name
            checks.append(
                Check(
                    code=given.get("code", case.name.removeprefix("test_").replace("_", "-")),
                    verdict=Verdict.REJECT if failed else Verdict.PASS,
                    message=said,
                    measured=_number(given.get("measured")),
                    threshold=_number(given.get("threshold")),
                    unit=given.get("unit", ""),
                )
            )
    return checks
