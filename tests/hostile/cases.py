"""The corpus: how each file is spoilt, and what ingestion has to say about it."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from tests.hostile import spoil as by
from tests.hostile.spoil import Spoil

type Table = Literal["application_train", "bureau", "bureau_balance", "accepted"]


@dataclass(frozen=True)
class Case:
    """told: rules of the findings that reading it gives.  lost: rows (from 1) that are rejected.

    says: a part of the refusal.  at: the end of its place.  reading: what the contract declares.
    """

    name: str
    table: Table
    spoil: Spoil
    ending: str = ".csv"
    told: tuple[str, ...] = ()
    lost: tuple[int, ...] = ()
    says: str = ""
    at: str = ""
    reading: dict[str, Any] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return bool(self.says)


HOME: Table = "application_train"
BUREAU: Table = "bureau"
BALANCE: Table = "bureau_balance"
LENDING: Table = "accepted"
ROW = ("unreadable rows", "unreadable row")
DAMAGED = "the archive is damaged"


def _raw(change: Callable[[bytes], bytes]) -> Spoil:
    return by.as_bytes(change)


def _crc_flipped(packed: bytes) -> bytes:
    return by.flipped(packed, 1 - 6 / len(packed), 1)


ARCHIVES = [
    Case("zip", BUREAU, _raw(by.zipped()), ".zip"),
    Case("zip, stored", LENDING, _raw(by.zipped(method=0)), ".zip"),
    Case("zip, packed with bzip2", BUREAU, _raw(by.zipped(method=12)), ".zip"),
    Case("gzip", LENDING, _raw(gzip.compress), ".csv.gz"),
    Case("gzip named csv", HOME, _raw(gzip.compress), ".csv", ("file kind",)),
    Case("zip named csv.gz", LENDING, _raw(by.zipped()), ".csv.gz", ("file kind",)),
    Case("text named csv.gz", BUREAU, _raw(bytes), ".csv.gz", ("file kind",)),
    Case("text named parquet", LENDING, _raw(bytes), ".parquet", ("file kind",)),
    Case("zip in a folder in a zip", BUREAU, _raw(by.nested(2)), ".zip"),
    Case("gzip in a zip", LENDING, by.chain(gzip.compress, by.zipped("t.csv.gz")), ".zip"),
    Case("zip in a gzip", BUREAU, by.chain(by.zipped(), gzip.compress), ".csv.gz"),
    Case("gzip in a gzip", BUREAU, by.chain(gzip.compress, gzip.compress), ".csv.gz"),
    Case("gzip of several members", LENDING, _raw(by.members), ".csv.gz"),
    Case("gzip with extra fields", BUREAU, _raw(by.gzip_with_fields), ".csv.gz"),
    Case("gzip with zeros behind", BUREAU, by.chain(gzip.compress, lambda packed: packed + bytes(512)), ".csv.gz"),
    Case("zip64", BUREAU, _raw(by.zip64), ".zip"),
    Case("zip whose data descriptor lies", LENDING, _raw(by.zip_with_lying_descriptor), ".zip"),
    Case("zip with bytes behind", BUREAU, by.chain(by.zipped(), lambda packed: packed + b"x" * 99), ".zip",
         ("file kind",)),
    Case("zip with bytes before", BUREAU, by.chain(by.zipped(), lambda packed: b"PK\x03\x04" + packed), ".zip"),
    Case("zip with a readme and what macOS adds", LENDING,
         _raw(by.zipped(**{"readme__txt": b"hello", "__MACOSX/__:_x__csv".replace(":", ""): b"x"})), ".zip"),
    Case("eight zips in one another", BUREAU, _raw(by.nested(8)), ".zip", says="archive in an archive"),
    Case("zip, truncated", BUREAU, by.chain(by.zipped(), lambda packed: packed[:-40]), ".zip", says=DAMAGED),
    Case("zip, a byte flipped", LENDING, by.chain(by.zipped(), by.flipped), ".zip", says=DAMAGED),
    Case("zip, wrong checksum", BUREAU, _raw(by.directory_lies(16, lambda crc: crc ^ 1)), ".zip", says=DAMAGED),
    Case("zip that promises more", BUREAU, _raw(by.directory_lies(24, lambda size: size + 5)), ".zip", says=DAMAGED),
    Case("zip that promises less", BUREAU, _raw(by.directory_lies(24, lambda size: size - 5)), ".zip", says=DAMAGED),
    Case("zip, packed size too small", BUREAU, _raw(by.directory_lies(20, lambda size: size // 2)), ".zip",
         says=DAMAGED),
    Case("zip, encrypted", BUREAU, _raw(by.locked_zip), ".zip", says="encrypted"),
    Case("zip, packed with LZMA", BUREAU, _raw(by.zipped(method=14)), ".zip", says="packed with LZMA"),
    Case("zip, packed with Deflate64", BUREAU, _raw(by.other_method(9)), ".zip", says="Deflate64"),
    Case("zip without anything", BUREAU, _raw(lambda _: b"PK\x05\x06" + bytes(18)), ".zip", says="holds 0 tables"),
    Case("zip without a table", BUREAU, _raw(by.zipped("readme.txt")), ".zip", says="holds 0 tables"),
    Case("zip with two tables", BUREAU, _raw(by.zipped_as("a.csv", "b.csv")), ".zip", says="holds 2 tables"),
    Case("zip with one name twice", BUREAU, _raw(by.zipped_as("a.csv", "a.csv")), ".zip", says="stands 2 times"),
    Case("zip that climbs", BUREAU, _raw(by.zipped_as("../../table.csv")), ".zip", says="outside the archive"),
    Case("zip with an absolute path", BUREAU, _raw(by.zipped_as("/tmp/table.csv")), ".zip", says="outside the archive"),
    Case("zip with a drive", LENDING, _raw(by.zipped_as("C:\\x\\table.csv")), ".zip", says="outside the archive"),
    Case("zip with backslashes", BUREAU, _raw(by.zipped_as("..\\table.csv")), ".zip", says="outside the archive"),
    Case("zip with a device", BUREAU, _raw(by.zipped_as("CON.csv")), ".zip", says="outside the archive"),
    Case("zip with a link", BUREAU, _raw(by.zip_link), ".zip", says="outside the archive"),
    Case("gzip, truncated", LENDING, by.chain(gzip.compress, lambda packed: packed[:-9]), ".csv.gz", says=DAMAGED),
    Case("gzip, wrong checksum", LENDING, by.chain(gzip.compress, _crc_flipped), ".csv.gz", says=DAMAGED),
    Case("gzip, garbage behind", BUREAU, by.chain(gzip.compress, lambda packed: packed + b"garbage"), ".csv.gz",
         says=DAMAGED),
    Case("gzip of nothing", BUREAU, _raw(lambda _: gzip.compress(b"")), ".csv.gz", says="the file is empty"),
    Case("bzip2", BUREAU, _raw(bz2.compress), says="a bzip2 archive"),
    Case("xz", BUREAU, _raw(lzma.compress), says="an xz archive"),
    Case("HTML page", LENDING, _raw(lambda _: b"\n<!doctype html><html><title>Sign in</title>"), says="an HTML page"),
    Case("HTML page in a gzip", LENDING, _raw(lambda _: gzip.compress(b"<html>")), ".csv.gz", says="an HTML page"),
    Case("XML of a bucket", HOME, _raw(lambda _: b"<?xml version='1.0'?><Error><Code>AccessDenied"),
         says="an XML document"),
    Case("JSON", HOME, _raw(lambda _: b'{"message": "rate limit"}'), says="a JSON document"),
    Case("SQLite", HOME, _raw(lambda _: b"SQLite format 3\0" + bytes(99)), says="an SQLite database"),
    Case("Excel", HOME, _raw(lambda _: by.zipped("[Content_Types].xml", **{"xl/workbook__xml": b"<"})(b"<")), ".zip",
         says="an Excel workbook"),
    Case("empty file", HOME, _raw(lambda _: b""), says="the file is empty"),
]  # fmt: skip

TEXTS = [
    Case("byte order mark", HOME, _raw(lambda clean: b"\xef\xbb\xbf" + clean), told=("byte order mark",)),
    Case("UTF-16 LE", LENDING, _raw(lambda clean: clean.decode().encode("utf-16")), told=("encoding",)),
    Case("UTF-16 BE", BUREAU, _raw(lambda clean: b"\xfe\xff" + clean.decode().encode("utf-16-be")), told=("encoding",)),
    Case("UTF-16 in a zip", BUREAU, by.chain(lambda c: c.decode().encode("utf-16"), by.zipped()), ".zip",
         ("encoding",)),
    Case("UTF-16 without a mark", BUREAU, _raw(lambda clean: clean.decode().encode("utf-16-le")),
         says="UTF-16 without its byte order mark", at="line 1"),
    Case("UTF-16, declared", BUREAU, _raw(lambda clean: clean.decode().encode("utf-16-le")),
         reading={"encoding": "utf-16-le"}),
    Case("UTF-16, cut in a letter", BUREAU, _raw(lambda clean: clean.decode().encode("utf-16")[:-1]),
         says="breaks off"),
    Case("Windows-1252", LENDING, _raw(lambda clean: clean.decode().encode("cp1252")), told=("encoding",)),
    Case("Windows-1252, declared", LENDING, _raw(lambda clean: clean.decode().encode("cp1252")),
         reading={"encoding": "windows-1252"}),
    Case("Windows-1252 in a gzip", LENDING, by.chain(lambda c: c.decode().encode("cp1252"), gzip.compress), ".csv.gz",
         told=("encoding",)),
    Case("one damaged letter in a category", LENDING, by.cell(9, "home_ownership", b"RE\xd1T"), told=ROW, lost=(9,)),
    Case("one damaged letter in a key", HOME, by.cell(9, "SK_ID_CURR", b"1000\xb2"), told=ROW, lost=(9,)),
    Case("semicolons", BUREAU, by.written(";"), told=("separator",)),
    Case("tabs", LENDING, by.written("\t"), told=("separator",)),
    Case("bars", HOME, by.written("|"), told=("separator",)),
    Case("every value quoted", LENDING, by.written(quoted=True)),
    Case("CRLF", HOME, by.written(end="\r\n")),
    Case("CR", BUREAU, by.written(end="\r"), told=("line ends",)),
    Case("mixed line ends", HOME, _raw(by.mixed_ends), told=("line ends",)),
    Case("no last line end", HOME, _raw(lambda clean: clean.rstrip(b"\n"))),
    Case("blank lines", BUREAU, by.line(40, b"")),
    Case("lines of blanks", BUREAU, by.line(40, b"   ")),
    Case("control-Z at the end", LENDING, _raw(lambda clean: clean + b"\x1a")),
    Case("decimal commas", LENDING, by.numbers(",", "", ";"), told=("decimal sign", "separator")),
    Case("decimal commas and points between thousands", BUREAU, by.numbers(",", ".", ";"),
         told=("decimal sign", "separator")),
    Case("commas between thousands", HOME, by.numbers(".", ",", ","), told=("decimal sign",)),
    Case("commas between thousands, tabs", BUREAU, by.numbers(".", ",", "\t"), told=("decimal sign", "separator")),
    Case("apostrophes between thousands, declared", BUREAU, by.numbers(".", "'", ","),
         reading={"thousands": "apostrophe"}),
    Case("narrow blanks between thousands, declared", BUREAU, by.numbers(",", "\u202f", ";"), told=("separator",),
         reading={"decimal": "comma", "thousands": "blank"}),
    Case("1,234 and nothing that tells", BUREAU, by.only_ambiguous(",", ";"), says='"1,234" can be 1234 or 1.234',
         at="line 8, column AMT_ANNUITY"),
    Case("1.234 and nothing that tells", BUREAU, by.only_ambiguous(".", "\t"), says='"1.234" can be 1234 or 1.234',
         at="line 8, column AMT_ANNUITY"),
    Case("points here and commas there", BUREAU,
         by.column_of("AMT_CREDIT_SUM", lambda text: text.replace(".", ","), ";"), says="a decimal point"),
    Case("notes above", LENDING, by.line(1, b"Notes offered by Prospectus\n\nsep=,"), told=("notes",)),
    Case("totals below", BUREAU, _raw(lambda clean: clean + b"\nTotal,1086\nwritten by hand\n"), told=("notes",)),
    Case("a whole row of totals", HOME, _raw(lambda clean: clean + b"Total,1" + b"," * 120 + b"\n"), told=("notes",)),
    Case("repeated header", BUREAU, by.lines(lambda all_: [*all_[:50], all_[0], *all_[50:]]),
         told=("repeated header",)),
    Case("two files in one, with their marks", LENDING,
         by.lines(lambda a: [b"\xef\xbb\xbf", *a[:90], b"\xef\xbb\xbf", a[0], *a[90:]]),
         told=("byte order mark", "byte order mark", "repeated header")),
    Case("a separator too many", BUREAU,
         by.lines(lambda all_: [all_[0], *(line.rstrip(b"\n") + b",\n" for line in all_[1:])]),
         told=("trailing separator",)),
    Case("a column without a name", BUREAU, by.lines(lambda all_: [line.rstrip(b"\n") + b",\n" for line in all_]),
         told=("unknown columns",)),
    Case("a column that nobody knows", HOME,
         by.lines(lambda a: [b"score," + a[0], *(b"7," + line for line in a[1:])]), told=("unknown columns",)),
    Case("unknown names twice", BUREAU,
         by.lines(lambda a: [b"x,x," + a[0], *(b"1,2," + line for line in a[1:])]),
         told=("doubled names", "unknown columns")),
    Case("columns in another order", BUREAU,
         lambda clean, _: by.text_of([row[::-1] for row in by.rows_of(clean)])),
    Case("blanks around the names", BUREAU, by.header(lambda names: [f" {name} " for name in names])),
    Case("a name of the contract twice", BUREAU, by.header(lambda n: [*n[:-1], n[0]]), says="names SK_ID_CURR twice",
         at="line 1"),
    Case("a name is missing", HOME, by.header(lambda n: [*n[:-1], "AMT"]), says="is missing"),
    Case("no header", HOME, by.lines(lambda all_: all_[1:]), says="there is no header", at="line 1"),
    Case("no header, declared", HOME,
         lambda clean, contract: by.text_of(_in_contract_order(by.rows_of(clean), contract.names)[1:]),
         reading={"header": False}),
    Case("only a header", LENDING, by.lines(lambda all_: all_[:1]), says="no rows"),
    Case("a row too short", LENDING, by.lines(lambda a: [*a[:7], a[7][:30] + b"\n", *a[8:]]), told=ROW, lost=(7,)),
    Case("a row too long", HOME, by.lines(lambda a: [*a[:7], a[7][:-1] + b",9\n", *a[8:]]), told=ROW, lost=(7,)),
    Case("cut in the last row", BUREAU, _raw(lambda clean: clean[:-40]), told=ROW, lost=(-1,)),
    Case("a NUL in a text", LENDING, by.cell(5, "title", "Debt\0"), told=ROW, lost=(5,)),
    Case("a NUL in a number", HOME, by.cell(5, "AMT_CREDIT", "40\x0050"), told=ROW, lost=(5,)),
    Case("a block of NULs in a gzip", BUREAU,
         by.chain(by.lines(lambda a: [*a[:9], bytes(4096) + b"\n", *a[9:]]), gzip.compress), ".csv.gz", told=ROW),
    Case("a quote that is never closed", BUREAU, by.lines(lambda a: [*a[:9], b'"' + a[9], *a[10:]]),
         says="never closed", at="line 10"),
    Case("a quote that is never closed, semicolons", BUREAU,
         by.chain(by.written(";"), by.lines(lambda a: [*a[:9], b'"' + a[9], *a[10:]])), says="never closed",
         at="line 10"),
    Case("text behind a closing quote", LENDING,
         by.chain(by.written(";", quoted=True), by.lines(lambda a: [*a[:9], a[9].replace(b'";', b'"x;', 1), *a[10:]])),
         says="closing quote", at="line 10"),
    Case("1_000", BUREAU, by.cell(3, "AMT_CREDIT_SUM", "1_000"), told=ROW, lost=(3,)),
    Case("+-5", BUREAU, by.cell(3, "AMT_CREDIT_SUM", "+-5"), told=ROW, lost=(3,)),
    Case("0x10", HOME, by.cell(3, "AMT_CREDIT", "0x10"), told=ROW, lost=(3,)),
    Case("Arabic digits", BUREAU, by.cell(3, "DAYS_CREDIT", "-١٢"), told=ROW, lost=(3,)),
    Case("1 000 with a narrow blank", BUREAU, by.cell(3, "AMT_CREDIT_SUM", "1\u202f000"), told=ROW, lost=(3,)),
    Case("nan", HOME, by.cell(3, "AMT_CREDIT", "nan"), told=ROW, lost=(3,)),
    Case("inf", LENDING, by.cell(3, "annual_inc", "-inf"), told=ROW, lost=(3,)),
    Case("twenty digits", HOME, by.cell(3, "DAYS_BIRTH", "99999999999999999999"), told=ROW, lost=(3,)),
    Case("a fraction of a day", HOME, by.cell(3, "DAYS_BIRTH", "-12.5"), told=ROW, lost=(3,)),
    Case("dollars", LENDING, by.cell(3, "annual_inc", "$52,000"), told=ROW, lost=(3,)),
    Case("Dec-11", LENDING, by.cell(3, "issue_d", "Dec-11"), told=ROW, lost=(3,)),
    Case("12/2011", LENDING, by.cell(3, "issue_d", "12/2011"), told=ROW, lost=(3,)),
    Case("three years", LENDING, by.cell(3, "term", "3 years"), told=ROW, lost=(3,)),
    Case("13.5%%", LENDING, by.cell(3, "int_rate", "13.5%%"), told=ROW, lost=(3,)),
    Case("per cent signs", LENDING, by.column_of("int_rate", lambda text: f" {text}%")),
    Case("too many bad rows", BUREAU, by.column_of("DAYS_CREDIT", lambda text: text + "d"),
         says="rows cannot be read (100.0%", at="line 2, column DAYS_CREDIT"),
    Case("another table", HOME, _raw(lambda _: b"a,b\n1,2\n"), says="is missing"),
    Case("random bytes", LENDING, _raw(lambda _: bytes(code * 73 % 251 for code in range(5000))), says="header"),
]  # fmt: skip

PARQUETS = [
    Case("Parquet", BUREAU, by.parquet(), ".parquet"),
    Case("Parquet named csv", LENDING, by.parquet(), ".csv", ("file kind",)),
    Case("Parquet in a zip", BUREAU, by.chain(by.parquet(), by.zipped("t.parquet")), ".zip"),
    Case("Parquet of tiny row groups", BUREAU, by.parquet(row_group_size=7), ".parquet"),
    Case("Parquet of texts only", BUREAU, by.parquet(lambda frame: frame.cast(pl.String)), ".parquet"),
    Case("Parquet with a nested column", BUREAU,
         by.parquet(lambda frame: frame.with_columns(AMT_ANNUITY=pl.concat_list("AMT_ANNUITY", "DAYS_CREDIT"))),
         ".parquet", says="nested values", at="column AMT_ANNUITY"),
    Case("Parquet with a struct", BUREAU,
         by.parquet(lambda frame: frame.with_columns(AMT_ANNUITY=pl.struct("AMT_ANNUITY"))), ".parquet",
         says="nested values", at="column AMT_ANNUITY"),
    Case("Parquet with numbers for words", BUREAU,
         by.parquet(lambda frame: frame.with_columns(CREDIT_ACTIVE=pl.lit(1.0))), ".parquet",
         says="cannot become text", at="column CREDIT_ACTIVE"),
    Case("Parquet with bytes for words", BUREAU,
         by.parquet(lambda frame: frame.with_columns(pl.col("CREDIT_ACTIVE").cast(pl.Binary))), ".parquet",
         says="cannot become text", at="column CREDIT_ACTIVE"),
    Case("Parquet, truncated", BUREAU, by.chain(by.parquet(), lambda content: content[:-9]), ".parquet",
         says="not a readable Parquet file"),
    Case("Parquet, footer damaged", LENDING, by.chain(by.parquet(), lambda c: by.flipped(c, 1 - 6 / len(c))),
         ".parquet", says="a readable Parquet file"),
    Case("Parquet, pages damaged", BUREAU, by.chain(by.parquet(compression="zstd"), by.zeroed), ".parquet",
         says="Parquet"),
    Case("Parquet, encrypted", BUREAU, _raw(lambda _: b"PARE" + bytes(64) + b"PARE"), ".parquet",
         says="encrypted Parquet"),
]  # fmt: skip

CASES = [*ARCHIVES, *TEXTS, *PARQUETS]


def _in_contract_order(rows: by.Rows, names: tuple[str, ...]) -> by.Rows:
    places = [rows[0].index(name) for name in names]
    return [[row[place] for place in places] for row in rows]
