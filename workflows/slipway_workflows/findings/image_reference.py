"""Whether the reference of an image names one image for ever."""

FLOATING = {"latest", "stable", "edge", "main", "master", "nightly", "dev"}


def floating(image: str) -> str:
    """Why an image may be another one tomorrow; "" where it has a digest or a tag that does not move."""
    name, _, digest = image.partition("@")
    _, _, tag = name.rpartition("/")[2].partition(":")
    if digest:
        return ""
    if not tag:
        return "has no tag"
    return "has a tag that moves" if tag in FLOATING else ""
