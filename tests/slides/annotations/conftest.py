"""Write small files of outlines by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from msfusion_sdk.slides.annotations import Annotations, read_annotations

Read = Callable[..., Annotations]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write text, bytes or something for JSON to a file and read it as annotations."""

    def write_and_read(content: object, **options: object) -> Annotations:
        path = tmp_path / "outlines.txt"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8")
        return read_annotations(path, **options)

    return write_and_read
