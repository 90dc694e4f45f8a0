"""Text that may be put into the message or a parameter of an Argo node."""


def plain_line(text: str) -> str:
    """The text as one line without Argo's tags.

    Argo fills tags in values again when it passes them on, and a tag that it does not know can fail the step that gets
    the value.
    """
    return " ".join(text.split()).replace("{{", "{ {")
