"""What holds for every chart."""

import json

import pytest
from rendered_charts import CHARTS, EVENTS, EVERYTHING, RELEASED, app, helm, platform, slipway


def test_no_key_of_the_values_stands_twice() -> None:
    config = pytest.importorskip("yamllint.config", reason="yamllint is not installed (pip install -e .[platform])")
    linter = pytest.importorskip("yamllint.linter")
    rule = config.YamlLintConfig("rules: {key-duplicates: enable}")
    paths = sorted(CHARTS.glob("*/values*.yaml"))
    assert paths
    assert [(path.parent.name, str(one)) for path in paths for one in linter.run(path.read_text(), rule)] == []


def test_no_chart_holds_a_secret_or_a_moving_image() -> None:
    for one in [*app("production", **EVERYTHING).values(), *slipway(EVENTS).values(), *platform().values()]:
        assert one["kind"] != "Secret"
        assert ":latest" not in json.dumps(one)


@pytest.mark.parametrize("chart", ["model-app", "platform", "slipway"])
def test_helm_s_own_linter_is_content(chart: str) -> None:
    values = RELEASED if chart == "model-app" else {}
    found = helm.lint(CHARTS / chart, values)
    assert found["errors"] == []
    assert [one for one in found["messages"] if one["severity"] > 1] == []
