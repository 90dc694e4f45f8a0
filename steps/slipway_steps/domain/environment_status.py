"""An environment in one line."""

from pydantic import BaseModel


class EnvironmentStatus(BaseModel):
    """An environment in one line. `phase`: Running, Pending, the reason of a container that does not run
    (ContainerCreating, OOMKilled, Error, CrashLoopBackOff, ...), Stopped, Unknown (nobody can tell) or Empty.
    """

    version: str | None
    digest: str | None
    phase: str
    url: str | None
    restarts: int = 0
    message: str = ""
    """Why it does not serve, and what to type; empty while it does."""
