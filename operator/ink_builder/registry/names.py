"""Where things are in the registry: the image's repository, and the tags beside the image. Pure."""

CACHE_TAG = "build-cache"


def repository_of(reference: str) -> str:
    """`host:port/path` of `host:port/path:tag`."""
    head, _, name = reference.rpartition("/")
    return f"{head}/{name.split('@', 1)[0].split(':', 1)[0]}"


def log_tag(build_id: str) -> str:
    """The tag of a build's log: the operator deletes it by this name, and the gateway reads it."""
    return f"log-{build_id}"
