"""The parts of image references."""

import pytest

from slipway_steps.domain.image_reference import parse_image_reference

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("busybox", "", "busybox", "", ""),
        ("library/busybox:1.37", "", "library/busybox", "1.37", ""),
        ("r.example:5000/a/b:1.2", "r.example:5000", "a/b", "1.2", ""),
        ("r.example:5000/a/b", "r.example:5000", "a/b", "", ""),
        ("localhost/a", "localhost", "a", "", ""),
        (f"r.example/a@{DIGEST}", "r.example", "a", "", DIGEST),
        (f"r.example/a:1@{DIGEST}", "r.example", "a", "1", DIGEST),
    ],
)
def test_a_reference_has_its_parts(text: str, host: str, repository: str, tag: str, digest: str) -> None:
    found = parse_image_reference(text)
    assert found is not None
    assert (found.host, found.repository, found.tag, found.digest) == (host, repository, tag, digest)


@pytest.mark.parametrize("text", ["", "a b", "a@", "a@sha256", "@sha256:00", "a@b@c"])
def test_what_is_no_reference_has_none(text: str) -> None:
    assert parse_image_reference(text) is None
