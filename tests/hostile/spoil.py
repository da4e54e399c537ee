"""Ways to spoil a table: bytes of a clean CSV in, bytes of an odd, damaged or hostile file out."""

from __future__ import annotations

import csv
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import polars as pl

from creditrisk.config import Contract

type Rows = list[list[str]]
type Spoil = Callable[[bytes, Contract], bytes]


def rows_of(clean: bytes) -> Rows:
    return list(csv.reader(io.StringIO(clean.decode(), newline="")))


def text_of(rows: Rows, separator: str = ",", end: str = "\n", *, quoted: bool = False) -> bytes:
    out = io.StringIO(newline="")
    how = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=how).writerows(rows)
    return out.getvalue().encode()


def numbers_of(header: list[str], contract: Contract) -> list[int]:
    known = {column.name: column for column in contract.columns}
    return [
        place
        for place, name in enumerate(header)
        if name in known and known[name].type not in ("text", "date", "boolean") and known[name].format != "months"
    ]


def written(separator: str = ",", end: str = "\n", *, quoted: bool = False) -> Spoil:
    return lambda clean, _: text_of(rows_of(clean), separator, end, quoted=quoted)


def numbers(decimal: str, groups: str, separator: str) -> Spoil:
    """Every number with these signs."""

    def spoil(clean: bytes, contract: Contract) -> bytes:
        header, *rows = rows_of(clean)
        for row in rows:
            for place in numbers_of(header, contract):
                row[place] = _with_signs(row[place], decimal, groups)
        return text_of([header, *rows], separator)

    return spoil


def _with_signs(text: str, decimal: str, groups: str) -> str:
    whole, point, places = text.partition(".")
    digits = whole.lstrip("-")
    if groups and digits.isdigit():
        whole = whole.removesuffix(digits) + f"{int(digits):,}".replace(",", groups)
    return whole + (decimal + places if point else "")


def cell(row: int, column: str, value: str | bytes) -> Spoil:
    """One value of one row (from 1; -1 the last) replaced."""

    def spoil(clean: bytes, _: Contract) -> bytes:
        rows = rows_of(clean)
        mark = "\ue000"
        rows[row][rows[0].index(column)] = mark if isinstance(value, bytes) else value
        text = text_of(rows)
        return text.replace(mark.encode(), value) if isinstance(value, bytes) else text

    return spoil


def column_of(name: str, change: Callable[[str], str], separator: str = ",") -> Spoil:
    def spoil(clean: bytes, _: Contract) -> bytes:
        header, *rows = rows_of(clean)
        for row in rows:
            row[header.index(name)] = change(row[header.index(name)])
        return text_of([header, *rows], separator)

    return spoil


def only_ambiguous(sign: str, separator: str) -> Spoil:
    """Numbers without decimals, but for one column in which all look like 1,234."""

    def spoil(clean: bytes, contract: Contract) -> bytes:
        header, *rows = rows_of(clean)
        for row in rows:
            for place in numbers_of(header, contract):
                row[place] = row[place].partition(".")[0]
        last = numbers_of(header, contract)[-1]
        rows[6][last] = f"1{sign}234"
        return text_of([header, *rows], separator)

    return spoil


def line(at: int, text: bytes) -> Spoil:
    """A physical line put before line `at` (from 1)."""

    def spoil(clean: bytes, _: Contract) -> bytes:
        lines = clean.splitlines(keepends=True)
        return b"".join([*lines[: at - 1], text + b"\n", *lines[at - 1 :]])

    return spoil


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Spoil:
    return lambda clean, _: b"".join(change(clean.splitlines(keepends=True)))


def header(change: Callable[[list[str]], list[str]]) -> Spoil:
    def spoil(clean: bytes, _: Contract) -> bytes:
        rows = rows_of(clean)
        return text_of([change(rows[0]), *rows[1:]])

    return spoil


def as_bytes(change: Callable[[bytes], bytes]) -> Spoil:
    return lambda clean, _: change(clean)


def mixed_ends(clean: bytes) -> bytes:
    ends = (b"\n", b"\r\n", b"\n", b"\r")
    return b"".join(line.rstrip(b"\n") + ends[place % 4] for place, line in enumerate(clean.splitlines(keepends=True)))


def zipped(name: str = "table.csv", method: int = zipfile.ZIP_DEFLATED, **more: bytes) -> Callable[[bytes], bytes]:
    def pack(content: bytes) -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", method) as archive:
            archive.writestr(name, content)
            for other, text in more.items():
                archive.writestr(other.replace("__", "."), text)
        return sink.getvalue()

    return pack


def zipped_as(*names: str) -> Callable[[bytes], bytes]:
    """The table under each of the names; equal ones stand several times."""

    def pack(content: bytes) -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for place, _ in enumerate(names):
                archive.writestr(f"{place}.csv", content)
            for entry, name in zip(archive.filelist, names, strict=True):
                entry.filename = name
        return sink.getvalue()

    return pack


def zip_link(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("table.csv", content)
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return sink.getvalue()


def zip64(content: bytes) -> bytes:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("table.csv", "w", force_zip64=True) as out,
    ):
        out.write(content)
    return sink.getvalue()


class _NoSeek(io.RawIOBase):
    """A pipe: zipfile then writes a data descriptor behind the entry."""

    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._sink.write(data)


def zip_with_lying_descriptor(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(_NoSeek(sink), "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("table.csv", content)
    packed = bytearray(sink.getvalue())
    at = packed.rfind(b"PK\x07\x08")
    packed[at + 8 : at + 16] = struct.pack("<II", 7, 7)
    return bytes(packed)


def directory_lies(offset: int, change: Callable[[int], int]) -> Callable[[bytes], bytes]:
    """A 4-byte field of the zip's directory changed: 16 checksum, 20 packed size, 24 size."""

    def lie(content: bytes) -> bytes:
        packed = bytearray(zipped()(content))
        at = packed.find(b"PK\x01\x02") + offset
        (said,) = struct.unpack("<I", packed[at : at + 4])
        packed[at : at + 4] = struct.pack("<I", change(said) % 2**32)
        return bytes(packed)

    return lie


def locked_zip(content: bytes) -> bytes:
    packed = bytearray(zipped()(content))
    packed[6] |= 1
    packed[packed.find(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def other_method(method: int) -> Callable[[bytes], bytes]:
    def pack(content: bytes) -> bytes:
        packed = bytearray(zipped()(content))
        packed[8:10] = packed[packed.find(b"PK\x01\x02") + 10 :][:2] = struct.pack("<H", method)
        at = packed.find(b"PK\x01\x02") + 10
        packed[at : at + 2] = struct.pack("<H", method)
        return bytes(packed)

    return pack


def members(content: bytes) -> bytes:
    third = len(content) // 3
    return b"".join(gzip.compress(part) for part in (content[:third], b"", content[third:]))


def gzip_with_fields(content: bytes) -> bytes:
    """A gzip whose header has an extra field, a name and a comment, as bgzip and others write."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(content) + packer.flush()
    head = b"\x1f\x8b\x08\x1c\0\0\0\0\0\x03" + struct.pack("<H", 4) + b"abcd" + b"name\0" + b"comment\0"
    return head + body + struct.pack("<II", zlib.crc32(content), len(content))


def flipped(content: bytes, share: float = 0.5, bits: int = 0xFF) -> bytes:
    changed = bytearray(content)
    changed[int(len(changed) * share)] ^= bits
    return bytes(changed)


def zeroed(content: bytes) -> bytes:
    """A hole in the middle, as a broken copy leaves."""
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def nested(times: int) -> Callable[[bytes], bytes]:
    def pack(content: bytes) -> bytes:
        for depth in range(times):
            content = zipped(f"folder/of/{depth}.csv")(content)
        return content

    return pack


def parquet(change: Callable[[pl.DataFrame], pl.DataFrame] = lambda frame: frame, **options: object) -> Spoil:
    """The table as Parquet, with the contract's plain types."""

    def spoil(clean: bytes, contract: Contract) -> bytes:
        frame = pl.read_csv(clean, infer_schema=False)
        kinds = {"integer": pl.Float64, "double": pl.Float64}
        typed = [
            pl.col(column.name).cast(kinds.get(column.type, pl.Float64))
            for column in contract.columns
            if column.name in frame.columns and column.format == "plain" and not column.missing
            and column.type not in ("text", "date", "boolean")
        ]  # fmt: skip
        sink = io.BytesIO()
        change(frame.with_columns(typed)).write_parquet(sink, **options)  # type: ignore[arg-type]
        return sink.getvalue()

    return spoil


def chain(*steps: Spoil | Callable[[bytes], bytes]) -> Spoil:
    def spoil(clean: bytes, contract: Contract) -> bytes:
        for step in steps:
            try:
                clean = step(clean, contract)  # type: ignore[call-arg]
            except TypeError:
                clean = step(clean)  # type: ignore[call-arg]
        return clean

    return spoil
