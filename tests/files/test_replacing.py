"""What is written takes the place of an earlier one of its kind, and of nobody else's files."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from msfusion_sdk import Cohort, FusionSurvival
from msfusion_sdk.errors import StoreError
from msfusion_sdk.files import FolderKind, making
from msfusion_sdk.report.write import write_report
from msfusion_sdk.storage.model_folder import MODEL
from msfusion_sdk.study.evaluation_folder import EVALUATION
from msfusion_sdk.study.explanation_folder import EXPLANATION
from msfusion_sdk.study.models import SeenPatientsWarning, predict_to_file
from msfusion_sdk.validation.record import VALIDATION

V0_1 = Path(__file__).parents[1] / "data" / "v0_1"
HUGGING_FACE = '{"architectures": ["ViTModel"], "hidden_size": 1024}'

Write = Callable[[Path], object]


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    shutil.copytree(V0_1 / "cohort", tmp_path / "cohort")
    return Cohort.open(tmp_path / "cohort")


@pytest.fixture
def write(cohort: Cohort) -> dict[str, Write]:
    """What writes a file of each ending."""

    def predict(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SeenPatientsWarning)
            predict_to_file(cohort, V0_1 / "model_survival", path)

    return {
        ".csv": predict,
        ".parquet": predict,
        ".html": lambda path: write_report(cohort.root, path),
    }


def table_of_somebody(path: Path, columns: list[str]) -> None:
    table = pd.DataFrame([["a", 1], ["b", 2]], columns=columns)
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)


OTHERS: dict[str, tuple[str, Write]] = {
    "a table of outcomes": (".csv", lambda p: table_of_somebody(p, ["patient_id", "class"])),
    "a clinical table": (".csv", lambda p: table_of_somebody(p, ["patient_id", "age"])),
    "remarks on predictions": (
        ".csv",
        lambda p: p.write_text("patient_id,risk,physician\na,1,x\n"),
    ),
    "other predictions": (".csv", lambda p: table_of_somebody(p, ["case", "risk"])),
    "one line of text": (".csv", lambda p: p.write_text("patient_id")),
    "one long line": (".csv", lambda p: p.write_text("x" * 200_000)),
    "a table as Parquet": (".parquet", lambda p: table_of_somebody(p, ["patient_id", "risk"])),
    "an export": (".parquet", lambda p: shutil.copy(V0_1 / "export_slide.parquet", p)),
    "a slide's vector": (".parquet", lambda p: shutil.copy(V0_1 / "one.parquet", p)),
    "bytes": (".parquet", lambda p: p.write_bytes(bytes(range(256)))),
    "a page of notes": (".html", lambda p: p.write_text("<p>msfusion_sdk is what we use</p>")),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_somebody_else_stays(name: str, write: dict[str, Write], tmp_path: Path) -> None:
    ending, put = OTHERS[name]
    path = tmp_path / f"mine{ending}"
    put(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"Name another file, or move this one away first\."):
        write[ending](path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".html"])
def test_an_earlier_one_and_an_empty_file_are_replaced(
    ending: str, write: dict[str, Write], tmp_path: Path
) -> None:
    path = tmp_path / f"out{ending}"
    path.touch()
    write[ending](path)
    assert path.stat().st_size
    write[ending](path)


@pytest.mark.parametrize("name", ["predicted_survival.csv", "predicted_diagnosis.csv"])
def test_predictions_of_version_0_1_are_replaced(
    name: str, write: dict[str, Write], tmp_path: Path
) -> None:
    path = Path(shutil.copy(V0_1 / name, tmp_path / name))
    write[".csv"](path)


FOLDERS = [
    (MODEL, {"README.md": "my project"}),
    (MODEL, {"config.json": HUGGING_FACE, "model.safetensors": "weights under a licence"}),
    (MODEL, {"encoder/train.py": "print()"}),
    (EVALUATION, {"summary.md": "what I found"}),
    (EVALUATION, {"predictions.parquet": "of another program", "evaluation.json": "{}"}),
    (VALIDATION, {"calibration.png": "drawn by hand"}),
    (VALIDATION, {"validation.json": "[]"}),
    (EXPLANATION, {"map-1.png": "of a town"}),
    (EXPLANATION, {"patches.parquet": "cut with another program"}),
]


@pytest.mark.parametrize(("kind", "files"), FOLDERS)
def test_a_folder_of_somebody_else_stays(
    kind: FolderKind, files: dict[str, str], tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    refused = pytest.raises(StoreError, match=f"which a new {kind.name} would replace")
    with refused, making(tmp_path, kind) as staged:
        (staged / kind.record).write_text("new")
    assert {name: (tmp_path / name).read_text() for name in files} == files


def test_save_takes_the_place_of_an_earlier_model_only(tmp_path: Path) -> None:
    model = FusionSurvival.load(V0_1 / "model_survival")
    shutil.copytree(V0_1 / "model_survival", tmp_path / "earlier")
    model.save(tmp_path / "earlier")
    (tmp_path / "README.md").write_text("my project")
    with pytest.raises(StoreError, match=r"README\.md"):
        model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "earlier"]
