"""Proves pipelines from end to end: finds scenarios, runs them one after the other, and reports on all of them."""

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.validation import E2ETestResult, E2ETestScenario, E2EValidationReport
from slipway_steps.domain.verdict import Gate
from slipway_steps.settings import Settings, read_settings
from slipway_workflows.validation import scenarios as files
from slipway_workflows.validation.execute import execute
from slipway_workflows.validation.homes import remove_left
from slipway_workflows.validation.pipelines import check_pipelines
from slipway_workflows.validation.rules import check_rules, evaluation_checks

NAME_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


class EndToEndValidator:
    """Runs scenarios on this machine.

    directory: of this validation, `<home>/validation/<name>`; the report is written there.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or read_settings()
        name = "".join(secrets.choice(NAME_LETTERS) for _ in range(6))
        self.directory = self.settings.home.absolute() / "validation" / name
        self._runs = 0

    def discover_test_scenarios(self, scenarios_dir: Path | str) -> list[E2ETestScenario]:
        """All scenarios of a directory, checked: nothing has run when this returns.

        Raises BadInput, in one line, where there is none, and for the first that cannot be run.
        """
        return self.checked(files.discover(Path(scenarios_dir)))

    def read_test_scenario(self, path: Path | str) -> E2ETestScenario:
        """The scenario of a file, checked as those of a directory are."""
        return self.checked([files.read_scenario(Path(path))])[0]

    def checked(self, scenarios: list[E2ETestScenario]) -> list[E2ETestScenario]:
        """The scenarios, if their rules can be measured and their pipelines can be run. Raises BadInput otherwise."""
        for scenario in scenarios:
            wanted = any(name.startswith(f"{Gate.EVALUATION}.") for name in scenario.validation_rules)
            check_rules(scenario, evaluation_checks(self.settings.train_directory / "evaluation") if wanted else ())
        check_pipelines(scenarios)
        return scenarios

    def execute_scenario(self, scenario: E2ETestScenario) -> E2ETestResult:
        """Run a scenario under its limits and judge it. Raises SlipwayError where it cannot be run at all."""
        if not self._runs:
            remove_left(self.directory.parent)
        self._runs += 1
        return execute(scenario, self.directory / str(self._runs), self.settings.home)

    def run_comprehensive_validation(
        self, scenarios_dir: Path | str, on_result: Callable[[E2ETestResult], None] | None = None
    ) -> E2EValidationReport:
        """Run all scenarios of a directory, one after the other, and write the report.

        on_result: is told each result as soon as it is known. Raises BadInput before anything runs.
        """
        return self.run(self.discover_test_scenarios(scenarios_dir), str(scenarios_dir), on_result)

    def run(
        self,
        scenarios: Sequence[E2ETestScenario],
        about: str,
        on_result: Callable[[E2ETestResult], None] | None = None,
    ) -> E2EValidationReport:
        """Run scenarios, one after the other, and write the report.

        Raises BadInput for none, and where the report cannot be written.
        """
        report = self.results_of(scenarios, about, on_result)
        self.write(report)
        return report

    def results_of(
        self,
        scenarios: Sequence[E2ETestScenario],
        about: str,
        on_result: Callable[[E2ETestResult], None] | None = None,
    ) -> E2EValidationReport:
        """Run scenarios, one after the other; nothing is written yet. Raises BadInput for none."""
        if not scenarios:
            raise BadInput("there is no scenario to run", "name a scenario, or a directory of them")
        began, results = time.time(), []
        for scenario in scenarios:
            results.append(self.execute_scenario(scenario))
            if on_result:
                on_result(results[-1])
        return E2EValidationReport(directory=about, started=began, finished=time.time(), results=results)

    @property
    def page(self) -> Path:
        """The file of the report."""
        return self.directory / "report.html"

    def write(self, report: E2EValidationReport) -> Path:
        """Write the report as JSON and as HTML; returns the page. Raises BadInput where that cannot be done."""
        from slipway_workflows.report.page_file import write_page
        from slipway_workflows.validation.page import write_validation_report

        write_page(report.model_dump_json(indent=1), self.directory / "report.json")
        return write_validation_report(report, self.page)
