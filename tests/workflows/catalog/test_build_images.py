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
    arguments = {
        line for path in (PROJECT_ROOT / "images").glob("*/Dockerfile") for line in path.read_text().splitlines()
    }
    for name in re.findall(r"build-arg:(\w+)=", text):
        assert name == "SOURCE_DATE_EPOCH" or any(line.startswith(f"ARG {name}=") for line in arguments), name
