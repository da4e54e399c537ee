"""Cuts off shared libraries what only debuggers and linkers read: names of symbols and sections, after the last byte
that the system maps into memory. A tenth of the image. Needs no binutils; the same bytes on every machine.

slim_libraries.py FOLDER. Source: the ELF-64 format; the loader reads program headers only.
"""

import struct
import sys
from pathlib import Path

HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")


def slimmed(library: bytes) -> bytes:
    """The library without what follows its last segment; as it is, where it is no little-endian ELF-64 file."""
    if library[:6] != b"\x7fELF\x02\x01":
        return library
    kind, machine, version, entry, at, _, flags, size, each, count, *_ = HEADER.unpack_from(library)
    segments = [PROGRAM_HEADER.unpack_from(library, at + number * each) for number in range(count)]
    end = max(HEADER.size, at + count * each, *(offset + in_file for _, _, offset, _, _, in_file, *_ in segments))
    header = library[:16] + HEADER.pack(kind, machine, version, entry, at, 0, flags, size, each, count, 64, 0, 0)[16:]
    return header + library[HEADER.size : end]


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).rglob("*.so*")):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(slimmed(path.read_bytes()))
