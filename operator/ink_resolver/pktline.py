"""Git's wire format, as far as asking for a head needs it: packets, version 2's ls-refs, the old advertisement.

Pure. Sources: gitprotocol-common(5), gitprotocol-v2(5), gitprotocol-http(5).
"""

from collections.abc import Iterator

FLUSH = b"0000"
DELIMITER = b"0001"
MAX_PACKET = 65520


class NotGit(Exception):
    """The bytes are not what a git server sends."""


class Truncated(Exception):
    """The bytes end within a packet, as they do when only the beginning was read."""


def packet(text: str) -> bytes:
    """One packet that holds a line."""
    payload = text.encode() + b"\n"
    return b"%04x" % (len(payload) + 4) + payload


def packets(data: bytes) -> Iterator[bytes | None]:
    """Payloads in order, None for a flush, delimiter or end. Raises NotGit and Truncated."""
    at = 0
    while at < len(data):
        head = data[at : at + 4]
        if len(head) < 4:
            raise Truncated
        if not all(c in b"0123456789abcdefABCDEF" for c in head):
            raise NotGit("a packet does not start with its length")
        length = int(head, 16)
        if length < 4:
            at += 4
            if length == 3:
                raise NotGit("a packet has an impossible length")
            yield None
            continue
        if length > MAX_PACKET:
            raise NotGit("a packet is too long")
        if at + length > len(data):
            raise Truncated
        yield data[at + 4 : at + length]
        at += length


def capabilities(data: bytes) -> frozenset[str] | None:
    """What a version 2 server can do (`ls-refs=…` gives `ls-refs`); None when it speaks an older version."""
    found: set[str] = set()
    version_2 = False
    for payload in packets(data):
        line = (payload or b"").rstrip(b"\n").decode("utf-8", "replace")
        if line.startswith("# service=") or (payload is None and not version_2):
            continue
        if not version_2:
            if line != "version 2":
                return None
            version_2 = True
        elif payload is None:
            break
        else:
            found.add(line)
    return frozenset(found) if version_2 else None


def names(lines: frozenset[str]) -> frozenset[str]:
    """The names of capabilities without their values."""
    return frozenset(line.partition("=")[0] for line in lines)


def object_format(lines: frozenset[str]) -> str:
    """The hash that a repository uses."""
    return next((line.partition("=")[2] for line in lines if line.startswith("object-format=")), "sha1")


def ls_refs(branch: str, hash_name: str) -> bytes:
    """A version 2 question for one branch, or for HEAD when `branch` is empty."""
    ref = f"refs/heads/{branch}" if branch else "HEAD"
    head = packet("command=ls-refs") + packet("agent=ink") + packet(f"object-format={hash_name}")
    return head + DELIMITER + packet(f"ref-prefix {ref}") + FLUSH


def want(commit: str, hash_name: str) -> bytes:
    """A version 2 question for one commit; the answer's first packet tells whether it exists."""
    head = packet("command=fetch") + packet("agent=ink") + packet(f"object-format={hash_name}")
    return (
        head
        + DELIMITER
        + packet(f"want {commit}")
        + packet("deepen 1")
        + packet("no-progress")
        + packet("done")
        + FLUSH
    )


def refs_of_v2(data: bytes) -> dict[str, str]:
    """Refs in the answer to ls-refs. Raises NotGit and Truncated."""
    refs: dict[str, str] = {}
    for payload in packets(data):
        if payload is None:
            break
        if payload.startswith(b"ERR "):
            raise NotGit("the server reports an error")
        sha, _, rest = payload.rstrip(b"\n").decode("utf-8", "replace").partition(" ")
        refs[rest.partition(" ")[0]] = sha
    return refs


def refs_of_v0(data: bytes) -> tuple[dict[str, str], bool]:
    """Refs in an advertisement of version 0 or 1, and whether its end was among the bytes. Raises NotGit."""
    refs: dict[str, str] = {}
    try:
        for number, payload in enumerate(packets(data)):
            if payload is None:
                if refs or number > 1:
                    return refs, True
                continue
            line = payload.rstrip(b"\n").partition(b"\0")[0].decode("utf-8", "replace")
            if line.startswith(("# service=", "version ")):
                continue
            if line.startswith("ERR "):
                raise NotGit("the server reports an error")
            sha, _, ref = line.partition(" ")
            if ref and ref != "capabilities^{}":
                refs[ref] = sha
    except Truncated:
        pass
    return refs, False
