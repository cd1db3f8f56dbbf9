"""What a file is, judged by its bytes: compressed or not, Parquet or text, and which encoding."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

import pyarrow as pa
from charset_normalizer import from_bytes

from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources.raw import NoRowsError

_PARQUET = b"PAR1"
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"ARROW1": "an Arrow file",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
}
_PACKED_SUFFIXES = {".gz": "gzip", ".zip": "zip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_PARQUET_SUFFIXES = (".parquet", ".pq")
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
_WESTERN = ["cp1252", "latin_1", "mac_roman", "cp850"]
_CHUNK = 1 << 24
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Content:
    """The bytes of a file, ready to be parsed.

    Attributes:
        data: Parquet bytes, or UTF-8 text without a byte order mark.
        parquet: which of the two.
        encoding: encoding that the text came in; ``"utf-8"`` for Parquet.
        notes: what was detected, for people; empty for plain UTF-8 and Parquet.
    """

    data: bytes
    parquet: bool
    encoding: str
    notes: tuple[str, ...]


def open_content(data: bytes, name: str, encoding: str | None = None) -> Content:
    """Unpack and decode `data`, the bytes of the file called `name`.

    Raises:
        SourceError: empty, damaged, of a kind that holds no table, or not in `encoding`.
    """
    packed, data = _unpack(data, name)
    notes = [*_name_notes(name, packed, data)]
    if _blank(data):
        raise NoRowsError(f"{name} is empty.", "Write the table with a header line and rows.")
    if data.startswith(_PARQUET):
        return Content(data, True, "utf-8", tuple(notes))
    _refuse_foreign(data, name)
    text, found = _to_utf8(data, name, encoding)
    if encoding is None and found != "utf-8":
        notes.append(f"{name}: the encoding {found} was detected.")
    _refuse_nul(text, name)
    if _blank(text):
        raise NoRowsError(f"{name} is empty.", "Write the table with a header line and rows.")
    return Content(text, False, found, tuple(notes))


def _blank(data: bytes) -> bool:
    # The start alone decides nearly always, and costs no copy of a large file.
    return not data[:4096].strip() and not data.strip()


def line_at(data: bytes, position: int) -> int:
    """Number of the line that holds byte `position`, counted from 1."""
    return data.count(b"\n", 0, position) + 1


def _unpack(data: bytes, name: str) -> tuple[str, bytes]:
    packed = ""
    # Twice at most: a gzip file in a zip file happens, deeper nesting is no table.
    for _ in range(2):
        kind = next((kind for magic, kind in _PACKED.items() if data.startswith(magic)), "")
        if not kind:
            break
        packed = packed or kind
        try:
            data = _unpacked(data, kind, name)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise SourceError(
                f"{name} is a {kind} file that is cut off or damaged ({error}).",
                "Fetch or write the file again.",
            ) from error
    return packed, data


def _unpacked(data: bytes, kind: str, name: str) -> bytes:
    match kind:
        case "gzip":
            return gzip.decompress(data)
        case "bzip2":
            unpacked = bz2.decompress(data)
            return unpacked
        case "xz":
            return lzma.decompress(data)
        case "zstd":
            return bytes(pa.CompressedInputStream(io.BytesIO(data), "zstd").read())
        case _:
            return _unzipped(data, name)


def _unzipped(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = [
            item
            for item in archive.namelist()
            if not item.endswith("/") and not item.startswith("__MACOSX")
        ]
        if "[Content_Types].xml" in inside:
            raise SourceError(f"{name} is an Office document.", "Save the sheet as CSV (UTF-8).")
        if len(inside) != 1:
            raise SourceError(
                f"{name} is a zip file with {len(inside)} files "
                f"({', '.join(inside[:6]) or 'none'}); a table is one file.",
                "Unzip it and name the files that you need.",
            )
        return archive.read(inside[0])


def _name_notes(name: str, packed: str, data: bytes) -> list[str]:
    """What the name says and the content does not bear out."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    notes = []
    by_name = next((_PACKED_SUFFIXES[item] for item in suffixes if item in _PACKED_SUFFIXES), "")
    if by_name and by_name != packed:
        notes.append(f"{name} is named like a {by_name} file but is {packed or 'not packed'}.")
    parquet = data.startswith(_PARQUET)
    if parquet and any(suffix in _TEXT_SUFFIXES for suffix in suffixes):
        notes.append(f"{name} is named like a text file but is Parquet; it was read as Parquet.")
    if not parquet and any(suffix in _PARQUET_SUFFIXES for suffix in suffixes):
        notes.append(f"{name} is named like a Parquet file but is text; it was read as text.")
    return notes


def _refuse_foreign(data: bytes, name: str) -> None:
    kind = next((kind for magic, kind in _FOREIGN.items() if data.startswith(magic)), "")
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        kind = "a web page or XML"
    elif start.startswith((b'{"', b"{\n", b"[{", b"{ ")):
        kind = "JSON"
    if kind:
        raise SourceError(f"{name} is {kind}, not a table.", "Export the table as CSV or Parquet.")


def _to_utf8(data: bytes, name: str, encoding: str | None) -> tuple[bytes, str]:
    """`data` as UTF-8 without byte order mark, and the encoding that it had."""
    if encoding is not None:
        return _decoded(data, encoding, name), encoding
    found = _marked(data)
    if found is None:
        bad = _first_bad_byte(data)
        if bad is None:
            return data, "utf-8"
        found = _guessed(data, bad, name)
    return _decoded(data, found, name), found


def _marked(data: bytes) -> str | None:
    """The encoding that a byte order mark or the place of zero bytes shows."""
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:2000]
    if len(start) >= 4 and b"\x00" in start:
        even, odd = start[0::2].count(0), start[1::2].count(0)
        half = len(start) / 2
        if odd > 0.7 * half and even < 0.1 * half:
            return "utf-16-le"
        if even > 0.7 * half and odd < 0.1 * half:
            return "utf-16-be"
    return None


def _decoded(data: bytes, encoding: str, name: str) -> bytes:
    try:
        codec = codecs.lookup(encoding)
    except LookupError as error:
        raise SourceError(
            f"{name}: there is no encoding called {encoding!r}.",
            "Use a name such as utf-8, cp1252, latin-1 or utf-16, or leave it out.",
        ) from error
    if codec.name == "utf-8":
        bad = _first_bad_byte(data)
        if bad is not None:
            raise _undecodable(data, bad, "UTF-8", name)
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(data, error.start, encoding, name) from error
    return text.removeprefix("\ufeff").encode()


def _undecodable(data: bytes, position: int, encoding: str, name: str) -> SourceError:
    return SourceError(
        f"{name} is not {encoding}: byte {position + 1} (line {line_at(data, position)}, value "
        f"0x{data[position]:02x}) cannot be decoded.",
        "Write the file again as UTF-8, or set its `encoding`.",
    )


def _first_bad_byte(data: bytes) -> int | None:
    """Position of the first byte that is no UTF-8, or None; in pieces, to save memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    for start in range(0, len(data), _CHUNK):
        pending = len(decoder.getstate()[0])
        final = start + _CHUNK >= len(data)
        try:
            decoder.decode(view[start : start + _CHUNK], final)
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None


def _guessed(data: bytes, bad: int, name: str) -> str:
    """The encoding of text that is no UTF-8; `bad` is the first byte that shows it."""
    sample = _telling_lines(data)
    replaced = sample.decode("utf-8", "replace")
    broken = replaced.count("\ufffd")
    whole = sum(1 for letter in replaced if letter > "\x7f") - broken
    if whole > broken:
        # Most of it is UTF-8: another encoding would turn every good accent into two letters.
        raise _undecodable(data, bad, "UTF-8 throughout", name)
    if sum(byte < 9 or 13 < byte < 27 for byte in data[:_SAMPLE]) > 0.02 * len(data[:_SAMPLE]):
        raise SourceError(f"{name} is not text.", "Export the table as CSV or Parquet.")
    western = from_bytes(sample, cp_isolation=_WESTERN).best()
    world = from_bytes(sample).best()
    sure = world is not None and world.coherence > 0.5
    if world is not None and sure and (western is None or western.coherence < world.coherence / 2):
        return str(world.encoding)
    found = "cp1252" if western is None else str(western.encoding)
    try:
        data.decode(found)
    except UnicodeDecodeError:
        # Latin-1 gives every byte a letter, so it is the last resort, and the note names it.
        return "latin-1"
    return found


def _telling_lines(data: bytes) -> bytes:
    """The first lines that hold a byte beyond ASCII, up to 64 KiB."""
    lines = []
    size = 0
    for line in io.BytesIO(data):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > _SAMPLE:
                break
    return b"".join(lines)[: 4 * _SAMPLE]


def _refuse_nul(text: bytes, name: str) -> None:
    position = text.find(b"\x00")
    if position >= 0:
        raise SourceError(
            f"{name} has {text.count(0):,} NUL bytes, the first one in line "
            f"{line_at(text, position)}.",
            "The file is damaged or binary: write it again as text.",
        )
