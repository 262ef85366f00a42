"""A minimal .xls file for `soak_seeds.py`: no library that is still maintained writes one.

[MS-XLS] records (BIFF8) in an [MS-CFB] container with one stream.
"""

import struct

SECTOR = 512
MIN_STREAM = 4096  # shorter streams lie in a container of their own, which one seed does not need
FREE, END, FAT, NO_ENTRY = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
BOF, EOF, BOUNDSHEET, CODEPAGE, FORMAT, NUMBER, LABEL = 0x809, 0x0A, 0x85, 0x42, 0xE0, 0x203, 0x204
BOOK, SHEET = 5, 0x10


def write_xls(rows: list[tuple]) -> bytes:
    """Return an .xls file of one sheet with the given rows of texts and numbers."""
    start = _record(BOF, struct.pack("<HHHHII", 0x600, BOOK, 0, 0, 0, 6)) + _record(CODEPAGE, b"\xb0\x04")
    start += _record(FORMAT, bytes(20))
    name = b"\x06\x00Sheet1"
    offset = len(start) + 4 + 6 + len(name) + 4
    book = start + _record(BOUNDSHEET, struct.pack("<IH", offset, 0) + name) + _record(EOF, b"")
    cells = b"".join(_cell(y, x, value) for y, row in enumerate(rows) for x, value in enumerate(row))
    sheet = _record(BOF, struct.pack("<HHHHII", 0x600, SHEET, 0, 0, 0, 6)) + cells + _record(EOF, b"")
    return _container((book + sheet).ljust(MIN_STREAM, b"\0"))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _cell(row: int, column: int, value: object) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, (int, float)):
        return _record(NUMBER, place + struct.pack("<d", value))
    text = str(value)
    return _record(LABEL, place + struct.pack("<HB", len(text), 0) + text.encode("latin-1"))


def _container(stream: bytes) -> bytes:
    n = -(-len(stream) // SECTOR)  # sectors 0 to n - 1: the stream; n: directory; n + 1: allocation table
    table = [*range(1, n), END, END, FAT]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(6) + struct.pack("<9I", 0, 1, n, 0, MIN_STREAM, END, 0, END, 0)
    header += struct.pack("<109I", n + 1, *[FREE] * 108)
    root, book = _entry("Root Entry", 5, 1, END, 0), _entry("Workbook", 2, NO_ENTRY, 0, n * SECTOR)
    fat = struct.pack(f"<{SECTOR // 4}I", *table, *[FREE] * (SECTOR // 4 - len(table)))
    return header + stream.ljust(n * SECTOR, b"\0") + (root + book).ljust(SECTOR, b"\0") + fat


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    links = struct.pack("<HBBIII", len(text), kind, 1, NO_ENTRY, NO_ENTRY, child)
    return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)
