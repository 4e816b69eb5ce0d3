"""Git's pkt-line framing, as far as the server reads or writes it itself. Pure.

A packet is four hex digits (its length, themselves included) and a payload; `0000` is a flush.
"""

FLUSH = b"0000"
MAX_PACKET = 65520
SIDEBAND_PROGRESS = b"\x02"


def packet(payload: bytes) -> bytes:
    """One packet. Raises ValueError when the payload does not fit."""
    size = len(payload) + 4
    if size > MAX_PACKET:
        raise ValueError(f"a packet holds at most {MAX_PACKET - 4} bytes, not {len(payload)}")
    return b"%04x" % size + payload


def progress(text: str) -> bytes:
    """A line that the git client shows as `remote: <text>`; control characters are replaced."""
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return packet(SIDEBAND_PROGRESS + clean.encode("utf-8", "replace")[:4000] + b"\n")


def packet_length(head: bytes) -> int | None:
    """The length that four bytes announce (0 for a flush), or None when they are not a length."""
    try:
        length = int(head, 16) if len(head) == 4 and head.isalnum() else -1
    except ValueError:
        return None
    return length if length == 0 or 4 <= length <= MAX_PACKET else None


def wants_sideband(head: bytes) -> bool:
    """Whether a push asks for side-band-64k: the capabilities follow a NUL in its first packet."""
    length = packet_length(head[:4])
    if not length or len(head) < length:
        return False
    _, _, capabilities = head[4:length].partition(b"\0")
    return b"side-band-64k" in capabilities.split()


class HeldFlush:
    """Passes on receive-pack's response but holds back its final flush packet, so that lines can still be added.

    A stream that does not consist of packets is passed on unchanged.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._held = False
        self._raw = False
        self.refused_for_size = False
        """Git said that the pack is larger than allowed."""

    def feed(self, data: bytes) -> bytes:
        """What can be sent now; at most one packet is held back."""
        self._buffer += data
        out = bytearray()
        while not self._raw and len(self._buffer) >= 4:
            length = packet_length(bytes(self._buffer[:4]))
            if length is None:
                self._raw = True
                break
            if len(self._buffer) < length:
                return bytes(out)
            out += self._release()
            if length == 0:
                self._held = True
                del self._buffer[:4]
            else:
                body = bytes(self._buffer[:length])
                self.refused_for_size |= b"exceeds maximum allowed size" in body
                out += body
                del self._buffer[:length]
        if self._raw:
            out += self._release() + self._buffer
            self._buffer.clear()
        return bytes(out)

    def _release(self) -> bytes:
        held, self._held = self._held, False
        return FLUSH if held else b""

    def end(self, lines: list[bytes]) -> bytes:
        """The rest, with `lines` (packets) inserted before the flush; they are dropped if there is no flush."""
        rest = bytes(self._buffer)
        if not self._held:
            return rest
        return b"".join(lines) + FLUSH + rest
