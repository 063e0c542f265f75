"""raw → validated: read files that lie in S3, or in what speaks like it, without a plain copy on disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import translate
from typing import Any

from loanbook.errors import RawFileError
from loanbook.intake.edges.spool import Held
from loanbook.intake.relations import Delivery
from loanbook.intake.sources import S3, Bucket, RawSource

CHUNK = 1 << 22
PATIENCE = 20.0  # seconds


def fetch(source: RawSource, environment: Mapping[str, str]) -> list[Delivery]:
    """Fetch every object that a source's globs name, in the order of their keys."""
    keys = given(source.bucket or Bucket(), environment)
    store = _store(source, keys)
    found: dict[str, Any] = {}
    for pattern in source.files:
        matched = _matched(store, pattern, keys)
        if not matched and not source.optional:
            raise _nothing(store, source, pattern, keys)
        found |= matched
    return [_fetched(store, source, path, keys) for path in sorted(found)]


def matching(source: RawSource, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Name the objects that a source's globs name, without reading them."""
    keys = given(source.bucket or Bucket(), environment)
    store = _store(source, keys)
    return tuple(sorted({S3 + path for pattern in source.files for path in _matched(store, pattern, keys)}))


def given(bucket: Bucket, environment: Mapping[str, str]) -> dict[str, str]:
    """Look up what `env:NAME` stands for; a variable that isn't set is told."""
    found = {}
    for key, value in vars(bucket).items():
        name = value.removeprefix("env:")
        if name != value and name not in environment:
            raise RawFileError(
                f"{name} is not set", where="environment", right=f"Set it: dataset.toml takes {key} from it"
            )
        found[key] = environment[name] if name != value else value
    return found


def _store(source: RawSource, keys: Mapping[str, str]) -> Any:
    from pyarrow import fs

    scheme, _, host = keys["endpoint"].rpartition("://")
    try:
        return fs.S3FileSystem(
            access_key=keys["access_key"] or None,
            secret_key=keys["secret_key"] or None,
            session_token=keys["session_token"] or None,
            region=keys["region"] or None,
            endpoint_override=host or None,
            scheme=scheme or None,
            connect_timeout=PATIENCE,
            request_timeout=PATIENCE,
        )
    except (OSError, ValueError) as error:
        raise _told(error, source.files[0], keys) from None


def _matched(store: Any, pattern: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """List what lies under a pattern's fixed beginning, and keep what the pattern matches."""
    from pyarrow import fs

    path = pattern.removeprefix(S3)
    fixed = re.split(r"[*?\[]", path, maxsplit=1)[0]
    base = path if fixed == path else fixed.rpartition("/")[0]
    wanted = re.compile(translate(path).replace(".*", "[^/]*"))
    try:
        if fixed == path:
            one = store.get_file_info(path)
            return {path: one} if one.type == fs.FileType.File else {}
        listed = store.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found="/" in base))
    except OSError as error:
        raise _told(error, pattern, keys) from None
    return {each.path: each for each in listed if each.is_file and wanted.fullmatch(each.path)}


def _fetched(store: Any, source: RawSource, path: str, keys: Mapping[str, str]) -> Delivery:
    held = Held()
    try:
        with store.open_input_stream(path) as stream:
            while part := stream.read(CHUNK):
                held.write(part)
    except OSError as error:
        raise _told(error, S3 + path, keys) from None
    return Delivery.remote(source.name, S3 + path, held.done())


def _nothing(store: Any, source: RawSource, pattern: str, keys: Mapping[str, str]) -> RawFileError:
    """Say that nothing matches, with what lies nearby."""
    path = pattern.removeprefix(S3)
    bucket = path.partition("/")[0]
    there = [S3 + each for each in _matched(store, f"{S3}{bucket}/*", keys)]
    there += [S3 + each for each in _matched(store, f"{S3}{bucket}/*/*", keys)]
    near = get_close_matches(pattern.replace("*", ""), there, 3, 0.4)
    listed = f"near it: {', '.join(near)}" if near else f"the bucket holds {len(there)} other objects"
    return RawFileError(
        f"raw.{source.name}: no object matches {pattern!r}", where=S3 + bucket, right=f"Deliver it; {listed}"
    )


_SAYS = (
    ("NO_SUCH_BUCKET", "there is no such bucket", "Mend files, region or endpoint in dataset.toml"),
    ("NO_SUCH_KEY", "there is no such object", "Deliver it again"),
    ("ACCESS_DENIED", "the store refuses these keys", "Give them the right to list and read"),
    ("INVALID_ACCESS_KEY_ID", "the store doesn't know the access key", "Set the right one"),
    ("SIGNATURE_DOES_NOT_MATCH", "the store refuses the secret key", "Set the right one"),
    ("NETWORK_CONNECTION", "the store can't be reached", "Start it, or mend its endpoint"),
)


def _told(error: Exception, where: str, keys: Mapping[str, str]) -> RawFileError:
    """Turn AWS's words into ours, without a key in them."""
    said = " ".join(str(error).split())
    for code, what, right in _SAYS:
        if code in said:
            return RawFileError(what, where=where, right=right)
    for name in ("access_key", "secret_key", "session_token"):
        said = said.replace(keys[name], "*****") if keys[name] else said
    return RawFileError(f"the store can't be read: {said[:300]}", where=where, right="Mend dataset.toml")
