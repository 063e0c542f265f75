"""Every page that we write: one closed HTML file, which loads nothing and runs nothing but its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parent / "templates"


def render(
    template: Path, facts: Mapping[str, Any], *, filters: Mapping[str, Callable[..., Any]] | None = None
) -> str:
    """Write a page by a template that extends page.html; a name it doesn't find among the facts raises.

    What it adds to the house's style, and its script, are the files of its name beside it, NAME.css and
    NAME.js; the page's own policy allows that script by its hash, styles, and nothing else.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters or {})
    style = (SHARED / "page.css").read_text("utf-8") + _beside(template, ".css")
    script = _beside(template, ".js")
    page = {"style": style, "script": script, "policy": _policy(script)}
    return environment.get_template(template.name).render(**facts, page=page)


def _beside(template: Path, suffix: str) -> str:
    beside = template.with_suffix(suffix)
    return beside.read_text("utf-8") if beside.exists() else ""


def _policy(script: str) -> str:
    """Allow the page's own styles (drawings carry theirs in attributes) and its script by what it is."""
    allowed = "default-src 'none'; style-src 'unsafe-inline'"
    if not script:
        return allowed
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"{allowed}; script-src 'sha256-{digest}'"
