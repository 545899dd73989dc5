"""What an installed wheel can do; run from an empty folder, so that it is not the clone.

    python smoke.py SITE [whole]

Without torch, which for some Pythons is a download of gigabytes, the networks are left out.
``whole`` goes from the demo to the predictions of a model: two minutes more.
"""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


def import_it() -> None:
    import msfusion_sdk

    assert msfusion_sdk.__version__ == version("msfusion-sdk")
    assert Path(msfusion_sdk.__file__).is_relative_to(sys.argv[1]), msfusion_sdk.__file__


def run_the_commands() -> None:
    from msfusion_sdk.testing import make_slide

    make_slide("case.svs", 1400, 1300, coverage=0.6)
    for arguments in (["--version"], ["--help"], ["info", "case.svs", "--json"]):
        subprocess.run([sys.executable, "-m", "msfusion_sdk.cli", *arguments], check=True)


def keep_a_cohort() -> None:
    from msfusion_sdk import Cohort
    from msfusion_sdk.testing import make_cohort

    made = make_cohort("made", n_patients=20, n_slides=0)
    cohort = Cohort.create("cohort", patients=made.patients)
    cohort.add_modality("clinical", made.clinical)
    assert cohort.export("features.parquet").rows == 20


def judge_a_risk() -> None:
    import pandas as pd

    from msfusion_sdk.survival import concordance_index

    patients = pd.read_csv("made/patients.csv")
    time, event = patients["time_months"], patients["event"] == 1
    assert concordance_index(time=time, event=event, risk=-time) == 1


def know_the_adapters() -> None:
    from msfusion_sdk import list_adapters

    assert {"clinical", "genomics", "slide", "table"} <= set(list_adapters())


def encode_a_slide() -> None:
    from msfusion_sdk import SlideEncoder

    result = SlideEncoder.from_pretrained(device="cpu").encode("case.svs")
    assert result.vector is not None
    assert result.vector.shape == (1024,)


def go_the_whole_way() -> None:
    cohort = "demo/cohort"
    wanted = ["--outcome", "survival", "--modalities", "clinical", "--modalities", "slide"]
    for arguments in (
        ["demo", "--out", "demo"],
        ["encode", "case.svs", "--out", "results"],
        ["train", cohort, *wanted, "--encoder", "lung-tiles-v2", "--out", "model"],
    ):
        subprocess.run([sys.executable, "-m", "msfusion_sdk.cli", *arguments], check=True)
    applied = ["apply", "model", "--cohort", cohort, "--times", "12", "--out", "predictions.csv"]
    done = subprocess.run([sys.executable, "-m", "msfusion_sdk.cli", *applied], check=False)
    # One slide of the demo is damaged on purpose: its patient has a reason, the others go on.
    assert done.returncode == 3, done.returncode
    assert Path("demo/report.html").stat().st_size > 0
    assert Path("results/case.parquet").stat().st_size > 0
    header, *rows = Path("predictions.csv").read_text("utf-8").splitlines()
    assert "survival@12" in header
    assert len(rows) == 160


STEPS: list[Callable[[], None]] = [
    import_it,
    run_the_commands,
    keep_a_cohort,
    judge_a_risk,
    know_the_adapters,
]

if __name__ == "__main__":
    if find_spec("torch"):
        STEPS.append(encode_a_slide)
        if "whole" in sys.argv:
            STEPS.append(go_the_whole_way)
    else:
        print("encode_a_slide is left out: torch is not installed")
    for step in STEPS:
        print(step.__name__, flush=True)
        step()
    print(f"{len(STEPS)} passed, 0 failed")
