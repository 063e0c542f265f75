"""raw → validated: find raw tables that nobody has described: files here or in a bucket, or a database."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from glob import has_magic
from os.path import commonpath
from pathlib import Path, PurePosixPath

from loanbook.errors import RawFileError
from loanbook.intake.edges import buckets, postgres, workbooks
from loanbook.intake.guessing import naming, vocabulary
from loanbook.intake.sources import S3, Bucket, Database, RawSource

ENVIRONMENT = "env:"
HEAD = 1 << 20  # bytes by which a text file is told
_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet", ".json": "json",
    ".jsonl": "json", ".ndjson": "json", ".xlsx": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Found:
    """What was found: the folder that files are named from, each raw source, and files of no known kind."""

    data: Path
    sources: tuple[RawSource, ...]
    passed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    """One file: its name below the folder or its address, how it is read, and its columns if it is text."""

    name: str
    source: RawSource
    columns: tuple[str, ...]


def find(origins: Sequence[str], environment: Mapping[str, str]) -> Found:
    """Find every raw table of a folder, of globs, of `s3://…`, or of a database in `env:NAME`."""
    if any(re.match(r"\w+://", origin) and not origin.startswith(S3) for origin in origins):
        raise RawFileError(
            "an address may hold a password, and has no place in a command",
            where="--from",
            right="Put it into an environment variable, and write --from env:NAME",
        )
    databases = [origin.removeprefix(ENVIRONMENT) for origin in origins if origin.startswith(ENVIRONMENT)]
    remote = [origin for origin in origins if origin.startswith(S3)]
    local = [origin for origin in origins if not origin.startswith((ENVIRONMENT, S3))]
    data, paths = _local(local)
    known = [path for path in paths if path.suffix.lower() in _SUFFIXES]
    files = [each for path in known for each in _here(path, path.relative_to(data).as_posix())]
    sources = [*_grouped(files), *_grouped(_bucket(remote, environment))]
    sources += [source for name in databases for source in _database(name, environment)]
    if not sources:
        raise RawFileError(
            "no raw table is there",
            where=", ".join(origins),
            right=f"Give a folder with {', '.join(sorted(_SUFFIXES))} files, globs, s3://…, or env:NAME",
        )
    passed_by = tuple(path.relative_to(data).as_posix() for path in paths if path not in known)
    return Found(data, _named_apart(sources), passed_by)


def _local(origins: Sequence[str]) -> tuple[Path, list[Path]]:
    """List files, and the folder that holds them all."""
    paths: set[Path] = set()
    for origin in origins:
        path = Path(origin).expanduser()
        if path.is_dir():
            paths |= {each for each in path.rglob("*") if each.is_file() and not each.name.startswith(".")}
        elif path.is_file():
            paths.add(path)
        elif has_magic(origin):
            root = Path(path.anchor or ".")
            paths |= {each for each in root.glob(str(path.relative_to(path.anchor))) if each.is_file()}
        else:
            raise RawFileError("there is no such file or folder", where=origin, right="Give what is there")
    given = [Path(origin).expanduser().resolve() for origin in origins if Path(origin).expanduser().is_dir()]
    found = sorted(path.resolve() for path in paths)
    parents = given if len(origins) == len(given) == 1 else [path.parent for path in found]
    return (_above(parents) if parents else Path.cwd()), found


def _above(folders: Sequence[Path]) -> Path:
    """Find the folder that holds all of these."""
    return Path(commonpath(folders))


def _here(path: Path, name: str) -> list[_File]:
    kind = _SUFFIXES[path.suffix.lower()]
    with path.open("rb") as stream:
        if kind == "xlsx":
            return _sheets(name, workbooks.sheets(stream, str(path)))
        return [_file(name, kind, stream.read(HEAD), str(path))]


def _sheets(name: str, sheets: Sequence[str]) -> list[_File]:
    several = len(sheets) > 1
    return [
        _File(
            f"{name}/{sheet}" if several else name,
            RawSource("", (name,), "xlsx", sheet=sheet if several else ""),
            (),
        )
        for sheet in sheets
    ]


def _file(name: str, kind: str, head: bytes, where: str) -> _File:
    """Tell how a file is read from its beginning."""
    if head.startswith(b"PAR1"):
        kind = "parquet"
    if kind != "csv":
        return _File(name, RawSource("", (name,), kind), ())
    encoding = sniff_encoding(head)
    text = head.decode(encoding, "ignore").removeprefix("\ufeff")
    delimiter = sniff_delimiter(text)
    records = list(csv.reader(text.splitlines()[:2], delimiter=delimiter))
    header = tuple(records[0]) if records else ()
    if not header or any(re.fullmatch(r"\s*-?\d+([.,]\d+)?\s*", cell) for cell in header):
        raise RawFileError(
            "the file has no header",
            where=where,
            right="Deliver it with the columns' names in its first line",
        )
    source = RawSource("", (name,), "csv", encoding=encoding, delimiter=delimiter)
    return _File(name, source, header)


def sniff_encoding(head: bytes) -> str:
    """Tell a text's encoding: by its mark, else UTF-8, else GB18030 where high bytes come in pairs."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head[1:200:2].count(0) > 40:
        return "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        high = len(re.findall(rb"[\x80-\xff]", head))
        paired = 2 * len(re.findall(rb"[\x81-\xfe][\xa1-\xfe]", head))
        return "gb18030" if paired >= 0.9 * high else "cp1252"
    return "utf-8"


def sniff_delimiter(text: str) -> str:
    """Tell what separates fields: what parts the first lines into as many fields each, and most of them."""
    lines = text.splitlines()[:50][: 50 if len(text) < HEAD else -1]

    def parts(mark: str) -> int:
        counts = {len(record) for record in csv.reader(lines, delimiter=mark) if record}
        return counts.pop() if len(counts) == 1 else 1

    return max(",;\t|", key=parts)


def _bucket(origins: Sequence[str], environment: Mapping[str, str]) -> list[_File]:
    """List a bucket's objects; of each a beginning is read."""
    files = []
    for origin in origins:
        plain = origin.rstrip("/")
        patterns = (plain,) if PurePosixPath(plain).suffix else (f"{plain}/*", f"{plain}/*/*")
        listing = RawSource("bucket", patterns, "csv", optional=True, bucket=Bucket())
        for name in buckets.matching(listing, environment):
            kind = _SUFFIXES.get(PurePosixPath(name).suffix.lower())
            if kind is None:
                continue
            (delivery,) = buckets.fetch(replace(listing, files=(name,)), environment)
            with delivery.open() as stream:
                if kind == "xlsx":
                    files += _sheets(name, workbooks.sheets(stream, name))
                else:
                    files.append(_file(name, kind, stream.read(HEAD), name))
    return [replace(each, source=replace(each.source, bucket=Bucket())) for each in files]


def _database(name: str, environment: Mapping[str, str]) -> list[RawSource]:
    return [
        RawSource(_plain(table.rpartition(".")[2]), (), "postgresql", database=Database(name, table))
        for table in postgres.tables(name, environment)
    ]


def _grouped(files: Iterable[_File]) -> list[RawSource]:
    """Make one source of files that are parts of one table: alike in folder, name and columns."""
    groups: list[list[_File]] = []
    for file in files:
        home = next((group for group in groups if _together(group[0], file)), None)
        if home is None:
            groups.append([file])
        else:
            home.append(file)
    return [_one(group) for group in groups]


def _together(one: _File, other: _File) -> bool:
    """Tell whether two files are parts of one table."""
    if replace(one.source, files=()) != replace(other.source, files=()) or one.source.sheet:
        return False
    first, second = PurePosixPath(one.name), PurePosixPath(other.name)
    if first.parent != second.parent:
        return False
    bare = [re.sub(r"[\d_.-]+", "", path.stem) for path in (first, second)]
    shared = set(one.columns) & set(other.columns)
    every = set(one.columns) | set(other.columns)
    if every and len(shared) < 0.8 * len(every):
        return False
    begin = re.match(r"[^\d_.-]*", _begin([first.stem, second.stem]))
    numbered = all(re.search(r"\d", path.stem) for path in (first, second))
    return bare[0] == bare[1] or (numbered and begin is not None and len(begin[0]) >= 3)


def _one(group: Sequence[_File]) -> RawSource:
    source, names = group[0].source, [file.name for file in group]
    stems = [PurePosixPath(name).stem for name in names]
    stem = stems[0] if len(group) == 1 else re.sub(r"[\d_.-]+$", "", _begin(stems))
    parent = PurePosixPath(names[0]).parent.name
    called = _plain(stem) if re.search(r"[^\d_.-]", stem) else _plain(parent)
    union = len({file.columns for file in group}) > 1
    return replace(source, name=called, files=_pattern(source, names), union_by_name=union)


def _begin(names: Sequence[str]) -> str:
    """Give the letters that all of these begin with."""
    first, last = min(names), max(names)
    return first[: next((n for n, sign in enumerate(first) if sign != last[n : n + 1]), len(first))]


def _pattern(source: RawSource, names: Sequence[str]) -> tuple[str, ...]:
    """Write a glob for several files, or their only name."""
    if len(names) == 1:
        return source.files
    begin = re.sub(r"[\d_.-]+$", "", _begin(list(names)))
    return (f"{begin}*{PurePosixPath(names[0]).suffix}",)


def _plain(name: str) -> str:
    """Name a source as dataset.toml may: small letters, digits and _; Chinese by what it is a table of."""
    if naming.is_chinese(name):
        name = vocabulary.source_name(name)
    plain = re.sub(r"[^a-z0-9]+", "_", name.strip('"').lower()).strip("_")
    return plain if re.match(r"[a-z]", plain) else f"source_{plain}".rstrip("_")


def _named_apart(sources: Sequence[RawSource]) -> tuple[RawSource, ...]:
    """Number the sources that would have the same name."""
    taken: dict[str, int] = {}
    named = []
    for source in sources:
        taken[source.name] = count = taken.get(source.name, 0) + 1
        named.append(source if count == 1 else replace(source, name=f"{source.name}_{count}"))
    return tuple(named)
