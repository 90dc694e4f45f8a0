"""The template that builds Slipway's own images on the cluster."""

import re

from workflows.catalog.generated import document, template

from slipway_steps.settings import PROJECT_ROOT


def test_our_images_are_built_apart_and_from_parameters_only() -> None:
    manifest = document("build-images")
    assert manifest["metadata"]["namespace"] == "slipway-build"
    image = template("build-images", "image")
    assert image["container"]["command"] == ["buildctl-daemonless.sh"]
    assert image["container"]["image"].endswith("-rootless")
    context = image["container"]["securityContext"]
    assert context["runAsUser"] == 1000
    assert "privileged" not in context
    built = [
        step["arguments"]["parameters"][-1]["value"]
        for group in manifest["spec"]["templates"][0]["steps"]
        for step in group
    ]
    assert sorted(built) == sorted(path.parent.name for path in (PROJECT_ROOT / "images").glob("*/Dockerfile"))
    names = {one["name"] for one in image["inputs"]["parameters"]}
    text = " ".join(image["container"]["args"])
    assert {f"{{{{inputs.parameters.{name}}}}}" for name in names} <= set(re.findall(r"{{[^}]+}}", text))
    defaults = {
        name: value
        for path in (PROJECT_ROOT / "images").glob("*/Dockerfile")
        for name, value in re.findall(r"^ARG (\w+)=(.*)$", path.read_text(), re.M)
    }
    passed = dict(re.findall(r"build-arg:(\w+)={{inputs\.parameters\.([\w-]+)}}", text))
    # a digest of the base is part of python-image
    assert set(passed) == set(defaults) - {"PYTHON_DIGEST"}
    given = {one["name"]: one.get("value") for one in image["inputs"]["parameters"]}
    for argument in ("PYTHON_IMAGE", "PIP_INDEX_URL", "TORCH_INDEX_URL"):
        assert given[passed[argument]] == defaults[argument]
