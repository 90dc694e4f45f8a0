"""Everything that can go wrong, in one tree.

    SlipwayError            anything Slipway says no to; one clear line, exit code of a step 1
    |- BadInput             what the user gave cannot be used (a file, a parameter, a name)
    |- Refused              a rule forbids it now (another release is open, evidence is missing)
    |- WorkflowInvalid      the engine refuses a workflow before anything runs
    `- Broken               an outside part failed; a retry may help, exit code of a step 75
       |- RegistryError     MLflow
       |- ImageError        the image store
       |- PlatformError     the processes or pods of an environment
       `- AppError          the served application could not be asked

A model that is not good enough is never an error: that is a `Verdict`.
"""


class SlipwayError(Exception):
    """What was tried, on what, and what happened (`message`); what to do about it (`hint`)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadInput(SlipwayError):
    """What the user gave cannot be used."""


class Refused(SlipwayError):
    """A rule of the release forbids this now."""


class WorkflowInvalid(SlipwayError):
    """The engine refuses a workflow before anything runs."""


class Broken(SlipwayError):
    """An outside part failed; the same call may work later: the templates retry a step that ends so, and no other."""

    exit_code = 75
    """EX_TEMPFAIL of sysexits.h."""


class RegistryError(Broken):
    """MLflow could not be read or written."""


class ImageError(Broken):
    """The image store could not be read or written."""


class PlatformError(Broken):
    """An environment could not be changed or observed."""


class AppError(Broken):
    """The served application could not be asked."""
