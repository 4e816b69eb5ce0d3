"""Times of the API, which are RFC 3339 in UTC."""

from datetime import UTC, datetime


def parse_time(text: str | None) -> datetime | None:
    """None for nothing and for what is no time."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def seconds_since(text: str | None, now: datetime) -> float | None:
    """Age of a time in the API; None when there is none."""
    at = parse_time(text)
    return None if at is None else (now - at).total_seconds()


def utc(at: datetime) -> str:
    """The time as the API writes it, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
