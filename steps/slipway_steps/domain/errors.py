"""Every error of Slipway, in one tree.

    SlipwayError            any error that Slipway reports in one clear line; exit code 1 of a step
    |- BadInput             what the user gave cannot be used (a file, a parameter, a name)
    |- Refused              a rule forbids it now (another release is open, evidence is missing)
    |- WorkflowInvalid      a workflow is refused before anything runs
    `- Broken               something outside failed and a retry may help; exit code 75 of a step
       |- RegistryError     MLflow
       |- ImageError        the image store
       |- PlatformError     the processes or pods of an environment
       `- AppError          the served application could not be asked (HostUnknown: its name does not resolve)

A model that is not good enough is never an error: that is a `Verdict`.
"""


class SlipwayError(Exception):
    """An error with a `message`, which says what was tried, on what, and what happened, and a `hint`, which says what
    to do about it.
    """

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
    """A workflow is refused before anything runs."""


class Broken(SlipwayError):
    """Something outside failed, so the same call may work later. The templates retry a step that ends with this error,
    and no other.
    """

    exit_code = 75
    """The number of EX_TEMPFAIL (a temporary failure) in sysexits.h."""


class RegistryError(Broken):
    """MLflow could not be read or written."""


class ImageError(Broken):
    """The image store could not be read or written."""


class PlatformError(Broken):
    """An environment could not be changed or observed."""


class AppError(Broken):
    """The served application could not be asked."""


class HostUnknown(AppError):
    """The name of the served application does not resolve here: nothing was asked of it, and waiting does not help."""
