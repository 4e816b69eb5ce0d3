"""Times of the API, which are RFC 3339 in UTC."""

from datetime import UTC, datetime


def parse_time(text: str | None) -> datetime | None:
    """None for an empty text or an invalid time."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def seconds_since(text: str | None, now: datetime) -> float | None:
    """Seconds since a time of the API; None without one."""
    at = parse_time(text)
    return None if at is None else (now - at).total_seconds()


def utc(at: datetime) -> str:
    """The time as the API writes it, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
