"""Errors and their exit codes. Every message says what to do."""


class CliError(Exception):
    """A failure with its exit code."""

    code = 1


class ToolFailed(CliError):
    """The gateway refused the request, or the service failed."""


class UsageError(CliError):
    """Invalid arguments or settings."""

    code = 2


class Unreachable(CliError):
    """The gateway does not answer."""

    code = 3


class KeyRefused(CliError):
    """The API key is missing, wrong, expired or revoked."""

    code = 4


class NotLiveYet(CliError):
    """The service is still deploying, but the wait is over."""

    code = 5
