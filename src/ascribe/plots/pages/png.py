"""Pixels as a PNG inside the page."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from jaxtyping import UInt8


def data_uri(pixels: UInt8[np.ndarray, "height width 3"]) -> str:
    """The pixels as a PNG of 8 bits a colour, in an address that holds the image itself.

    Source: W3C (2003), "Portable Network Graphics Specification", 2nd edition, sections 5 and 11.
    """
    height, width = pixels.shape[:2]
    # every line starts with the number of its filter: none
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
