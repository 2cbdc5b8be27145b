"""Text for a stream of any encoding: tables and bars have characters that not all can show."""

from __future__ import annotations

import sys
from typing import TextIO

_PLAIN = str.maketrans("┏┳┓┡╇┩├┼┤└┴┘━─╌┃│…", "++++++++++++=-.||.")


def write(text: str, stream: TextIO | None = None) -> None:
    """Write ``text`` at once, in ASCII if the stream cannot encode it.

    Args:
        text: what to write.
        stream: standard output unless given; nothing happens where there is none.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:  # a program without a console
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding
        stream.write(text.translate(_PLAIN).encode(encoding, "replace").decode(encoding))
    stream.flush()
