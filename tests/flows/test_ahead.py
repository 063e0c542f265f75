"""What runs flows loads what they need while nobody asks, and answers as soon as somebody does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque


def test_what_is_announced_is_loaded_until_somebody_asks():
    from flows.__main__ import ahead

    read, write = os.pipe()
    loaded = []

    def ask():
        loaded.append("second")
        os.write(write, b"{}\n")

    loads = deque((lambda: loaded.append("first"), ask, lambda: loaded.append("third")))
    with os.fdopen(read) as asked, os.fdopen(write, "w"):
        ahead(asked, loads)
        assert loaded == ["first", "second"]
        assert asked.readline() == "{}\n"
        ahead(asked, loads)
    assert loaded == ["first", "second", "third"]


def test_a_request_that_waits_already_is_answered_before_anything_is_loaded():
    request = json.dumps({"verb": "dance", "parameters": {}}) + "\n"
    script = (
        "import sys, flows.__main__ as answering\n"
        "sys.argv = ['flows', 'lifecycle']\n"
        "answering.main()\n"
        "assert not {'great_expectations', 'feast', 'evidently'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, input=request, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["error"]["what"] == "there is no flow dance"
