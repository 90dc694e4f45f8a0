"""The candidate: exactly what a release brings to an environment."""

from pydantic import BaseModel, ConfigDict


class Candidate(BaseModel):
    """A model version, together with the image that serves it and the source that it was made from.

    version: MLflow's model version, a string of digits ("7"). digest: of the image manifest ("sha256:..."). revision:
    the source revision, or "" where the source is not under version control.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    digest: str
    revision: str = ""

    def __str__(self) -> str:
        return f"version {self.version} ({self.digest[:19]})"
