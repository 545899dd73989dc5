"""``msfusion doctor`` as a user runs it."""

import json
from pathlib import Path
from typing import Any


def test_the_command_answers_people_and_programs(msfusion: Any, tmp_path: Path) -> None:
    answer = json.loads(msfusion("doctor", "--json", "--folder", tmp_path).stdout)
    assert {"model", "self-test", "openslide", "folder"} <= {f["check"] for f in answer["findings"]}
    missing = msfusion("doctor", "--folder", tmp_path / "nowhere")
    assert missing.code == 3
    assert "mkdir -p" in missing.stdout.replace("\n", "")
