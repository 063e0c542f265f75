"""raw → validated: make a page of Data Docs that asks nothing of the network."""

from __future__ import annotations

import re

_OUTSIDE = (
    re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<link\b[^>]*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<img\b[^>]*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<iframe\b.*?</iframe\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<nav\b.*?</nav\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<footer\b.*?</footer\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"@import[^;]*;"),
)
_FETCHED = re.compile(r"url\(\s*['\"]?https?:[^)]*\)", re.IGNORECASE)

# the pages are laid out by Bootstrap, which lies on a CDN: this stands in for what they use of it
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem 1rem; max-width: 70rem;
  color: #1d2330; background: #fbfcfe; overflow-wrap: anywhere }
h1, h2, h3, h4, h5 { line-height: 1.2; margin: 1.2em 0 .4em }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 }
th, td { border: 1px solid #d5d9e2; padding: .35rem .6rem; text-align: left; vertical-align: top }
th { background: #f3f5f9 }
code, pre { font: 13px/1.4 ui-monospace, monospace }
.badge { border-radius: 3px; background: #e8ecf4; padding: 0 .35em }
.text-success { color: #18794e } .text-danger { color: #c2271b } .text-warning { color: #96620a }
/* what needs the scripts that were taken out */
.sticky, a[data-toggle="collapse"], .cooltip .top, .modal, .ge-walkthrough-modal { display: none }
.note { background: #fff6dd; border: 1px solid #ead9a0; padding: .6rem .9rem }
"""


_BACK = '<a href="../index.html">All tables</a>'


def closed(html: str, table: str, rows: int, seen: int) -> str:
    """Strip every outside reference, style the page, and say what was judged."""
    for pattern in _OUTSIDE:
        html = pattern.sub("", html)
    html = _FETCHED.sub("none", html)
    html = html.replace("</head>", f"<style>{STYLE}</style></head>", 1)
    return re.sub(
        r"(<body[^>]*>)", rf'\1<p class="note">{_note(table, rows, seen)} {_BACK}</p>', html, count=1
    )


def _note(table: str, rows: int, seen: int) -> str:
    if seen == rows:
        return f"{table}: all {rows:,} rows were judged."
    return (
        f"{table}: this page is of a seeded sample of {seen:,} rows. All {rows:,} rows were judged in "
        "DuckDB; on the sample both judges agree."
    )
