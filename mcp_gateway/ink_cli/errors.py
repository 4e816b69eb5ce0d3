"""What can go wrong, as exit codes. Every error's text says what to do."""


class CliError(Exception):
    """A failure with its exit code."""

    code = 1


class ToolFailed(CliError):
    """The gateway refused what was asked, or the service failed."""


class UsageError(CliError):
    """Arguments or settings that cannot be used."""

    code = 2


class Unreachable(CliError):
    """The gateway does not answer."""

    code = 3


class KeyRefused(CliError):
    """The API key is missing, wrong, expired or revoked."""

    code = 4


class NotYet(CliError):
    """It goes on, but the time to wait is over."""

    code = 5
