"""Why there is no plan: each error carries the condition's reason, and its text says what was seen and what to do."""

from ink_api.reasons import Reason


class CannotPlan(Exception):
    """The repository cannot be planned as it is; str(error) says what is missing and what to do."""

    reason = Reason.PACK_NOT_DETECTED

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.reason = reason or type(self).reason


class NothingToStart(CannotPlan):
    """The ecosystem is recognised, perhaps only beside another one, but nothing in it can be started or served."""


class Unsatisfiable(CannotPlan):
    """What the repository asks for contradicts itself, or no version of this platform satisfies it."""

    reason = Reason.VERSION_MISMATCH


class MissingFile(CannotPlan):
    """The start command names a file that is not in the commit, and no build makes it."""

    reason = Reason.FILE_NOT_FOUND


class MissingProgram(CannotPlan):
    """No package installs the program that the start command runs."""

    reason = Reason.COMMAND_NOT_FOUND


class MissingPackage(CannotPlan):
    """The program imports a package that nothing installs."""

    reason = Reason.DEPENDENCY_NOT_FOUND


class StaleLock(CannotPlan):
    """The lock file lacks what the manifest asks for."""

    reason = Reason.LOCK_FILE_OUTDATED


class NoBaseImage(CannotPlan):
    """The platform has no base image for the ecosystem."""

    reason = Reason.PACK_UNAVAILABLE
