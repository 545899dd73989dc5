"""The Ray engine on a local cluster, in a process of its own: Ray warns about itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfusion_sdk import Cohort, SlideEmbedding

pytest.importorskip("ray", reason="the extra [ray] is not installed")

ENCODE = """
import json, sys
from msfusion_sdk import Cohort, SlideEncoder

if __name__ == "__main__":
    cohort = Cohort.open(sys.argv[1])
    encoder = SlideEncoder.from_pretrained(sys.argv[2], device="cpu", precision="fp32")
    run = cohort.encode(encoder, engine="ray", workers=1)
    print(json.dumps({s.slide_id: [s.status, s.code] for s in run.statuses}))
"""


@pytest.mark.slow
@pytest.mark.process
def test_with_ray_every_slide_is_encoded_as_alone(
    slide_folder: Path, results: dict[str, SlideEmbedding], small_model: Path, tmp_path: Path
) -> None:
    slides = {path.stem: path for path in sorted(slide_folder.glob("[cd].svs"))}
    slides["gone"] = tmp_path / "gone.svs"
    names, paths = list(slides), [str(path) for path in slides.values()]
    table = pd.DataFrame({"slide_id": names, "patient_id": names, "path": paths})
    cohort = Cohort.create(tmp_path / "cohort", patients=table[["patient_id"]], slides=table)
    script = tmp_path / "encode.py"
    script.write_text(ENCODE)
    command = [sys.executable, script, cohort.root, small_model]
    plain = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain)
    assert done.returncode == 0, done.stderr
    statuses = json.loads(done.stdout.splitlines()[-1])
    assert statuses.pop("gone") == ["failed", "SlideNotFound"]
    assert set(map(tuple, statuses.values())) == {("ok_with_warnings", "")}
    vectors = cohort.tables()["slide"]
    for name, result in ((name, results[name]) for name in "cd"):
        assert np.allclose(vectors.loc[name], result.vector, rtol=1e-5, atol=1e-6)


def test_without_ray_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from msfusion_sdk.cohort.workers import ray
    from msfusion_sdk.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "msfusion-sdk\[ray\]"'):
        ray._ray()
