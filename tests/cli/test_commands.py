"""The commands as a user runs them, by their exit codes and output."""

import inspect
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from msfusion_sdk import SlideEmbedding
from msfusion_sdk.cli.main import app
from msfusion_sdk.cli.shared.console import known_words
from msfusion_sdk.cohort.workers.settings import RunSettings
from msfusion_sdk.errors import SettingError
from msfusion_sdk.pretraining import scores
from msfusion_sdk.testing import make_slide

from ..coarse import coarse_networks, narrow_networks
from ..patience import patient

pytestmark = pytest.mark.slow

Msfusion = Callable[..., Any]


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_slide(tmp_path_factory.mktemp("cli") / "case.svs", 2000, 1600, coverage=0.5)


def test_help_names_the_commands(msfusion: Msfusion) -> None:
    done = msfusion("--help")
    assert done.code == 0
    assert all(name in done.stdout for name in ("demo", "info", "encode", "models", "pretrain"))


def test_paragraphs_of_help_are_written_for_80_columns() -> None:
    """They are shown line by line as they stand, and longer ones leave single words on a line."""
    found = list(commands_of(typer.main.get_command(app), "msfusion"))
    assert len(found) > 30
    for name, command in found:
        _, *paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
        long = [line for text in paragraphs for line in text.splitlines() if len(line) > 78]
        assert not long, name


def commands_of(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for word, one in getattr(command, "commands", {}).items():
        yield from commands_of(one, f"{name} {word}")


def test_the_version_is_printed(msfusion: Msfusion) -> None:
    assert msfusion("--version").stdout.strip().count(".") == 2


def test_encode_writes_results_and_ends_with_zero(
    msfusion: Msfusion, slide: Path, small_model: Path, tmp_path: Path
) -> None:
    done = msfusion("encode", slide, "-o", tmp_path, "--model", small_model, "--patches", "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ok"
    assert SlideEmbedding.from_parquet(tmp_path / "case.parquet").patches.num_rows > 0


def test_encode_ends_with_three_when_a_slide_failed(
    msfusion: Msfusion, slide: Path, small_model: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.svs"
    done = msfusion("encode", missing, slide, "-o", tmp_path / "out", "--model", small_model)
    assert done.code == 3
    assert "SlideNotFound" in done.stdout
    assert "1 of 2 slides failed" in done.stderr
    assert (tmp_path / "out" / "case.parquet").is_file()


def test_a_preset_changes_the_result(
    msfusion: Msfusion, slide: Path, small_model: Path, tmp_path: Path
) -> None:
    done = msfusion(
        "encode", slide, "-o", tmp_path, "--model", small_model, "--preset", "biopsy", "--json"
    )
    assert done.code == 0, done.stderr
    stored = SlideEmbedding.from_parquet(tmp_path / "case.parquet")
    assert stored.provenance.tissue.keep_rule == "area"


SLIDES = ["--slides", "nowhere.csv", "--annotations", "nowhere", "-o", "out"]
LABELS = ["--slides", "nowhere.csv", "--label", "diagnosis", "-o", "out"]
TILES = ["--data", "nowhere", "--mpp", "0.3", "-o", "out"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode"], "Missing argument"),
        (["info", "x.svs", "--preset", "frozen"], "No preset 'frozen'"),
        (["encode", "x.svs", "-o", "out", "--model", "a/b/c"], "[ModelId]"),
        (
            ["encode", "x.svs", "-o", "out", "--model", "MODEL", "--device", "tpu"],
            "No device 'tpu'",
        ),
        (["encode", "x.svs", "-o", "taken"], "--out takes a folder"),
        (["info", "nowhere.svs"], "[SlideNotFound]"),
        (["info", "x.svs", "--overlay", "x.png"], "--overlay draws"),
        (["info", "x.svs", "--annotations", "nowhere.xml"], "[Annotation]"),
        (["pretrain", "tiles", "--data", "nowhere", "--mpp", "0.3", "-o", "out"], "[Table]"),
        (
            ["pretrain", "tiles", *TILES, "--epochs", "0"],
            "--epochs 0 cannot be: give",
        ),
        (
            ["pretrain", "tiles", *TILES, "--network", "MODEL", "--start", "MODEL"],
            "--start cannot be used",
        ),
        (
            ["pretrain", "tiles", *TILES, "--network", "MODEL", "--view-px", "64"],
            "--view-px cannot be used",
        ),
        (
            ["pretrain", "tiles", *TILES, "--network", "MODEL", "--device", "cuda"],
            "--device cannot be used",
        ),
        (
            ["pretrain", "tiles", *TILES, "--network", "MODEL", "--workers", "2"],
            "--workers cannot be used",
        ),
        (["pretrain", "tiles", *TILES, "--cache-gb", "5"], "--cache-gb cannot be used"),
        (["pretrain", "slides", *SLIDES, "--cache-gb", "5"], "--cache-gb cannot be used"),
        (["pretrain", "labels", *LABELS, "--cache-gb", "5"], "--cache-gb cannot be used"),
        (
            ["pretrain", "slides", *SLIDES, "--network", "MODEL", "--start", "MODEL"],
            "--start cannot be used",
        ),
        (
            ["pretrain", "labels", *LABELS, "--network", "MODEL", "--device", "cuda"],
            "--device cannot be used",
        ),
        (
            ["pretrain", "slides", *SLIDES, "--epochs", "0"],
            "--epochs 0 cannot be: give",
        ),
        (
            ["pretrain", "labels", *LABELS, "--epochs", "0"],
            "--epochs 0 cannot be: give",
        ),
        (
            ["pretrain", "tiles", *TILES, "--network", "MODEL", "--epochs", "0"],
            "--epochs 0 cannot be",
        ),
        (
            ["pretrain", "tiles", *TILES, "--network", "MODEL", "--patience", "0"],
            "--patience 0 cannot be",
        ),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    msfusion: Msfusion,
    arguments: list[str],
    message: str,
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    done = msfusion(*(small_model if word == "MODEL" else word for word in arguments))
    assert done.code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_info_prints_what_the_slide_is(msfusion: Msfusion, slide: Path) -> None:
    done = msfusion("info", slide)
    assert done.code == 0
    assert "aperio" in done.stdout
    assert "0.25" in done.stdout


def test_info_answers_programs_in_json(msfusion: Msfusion, slide: Path) -> None:
    answer = json.loads(msfusion("info", slide, "--json").stdout)
    assert answer["dimensions"] == [2000, 1600]


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """Three drawings in NCRF's dialect: one crosses itself, one lies beyond the slide."""
    square, bow_tie = [[0, 0], [400, 0], [400, 400], [0, 400]], [[0, 0], [8, 8], [8, 0], [0, 8]]
    far = [[x + 9000, y] for x, y in square]
    drawn = {"positive": [{"vertices": square}, {"vertices": far}]}
    path = tmp_path / "case.json"
    path.write_text(json.dumps(drawn | {"negative": [{"vertices": bow_tie}]}))
    return path


def test_info_tells_and_draws_what_was_drawn_on_the_slide(
    msfusion: Msfusion, slide: Path, outlines: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "outlines.png"
    done = msfusion("info", slide, "--annotations", outlines, "--overlay", picture)
    assert done.code == 0, done.stderr
    # Two squares of 100 µm.
    assert "2 drawn, 0.02 mm²" in done.stdout
    assert "corrected to 2 pieces" in done.stdout
    assert "1 of 4 outlines reach beyond the slide" in done.stdout
    assert picture.stat().st_size > 1000


def test_info_gives_programs_the_outlines_in_json(
    msfusion: Msfusion, slide: Path, outlines: Path
) -> None:
    answer = json.loads(msfusion("info", slide, "--annotations", outlines, "--json").stdout)
    found = answer["annotations"]
    assert found["dialect"] == "NCRF JSON"
    assert [item["drawings"] for item in found["classes"]] == [2, 1]
    assert len(found["repairs"]) == len(found["warnings"]) == 1


def test_models_lists_what_is_in_the_package(msfusion: Msfusion) -> None:
    done = msfusion("models", "--json")
    assert done.code == 0
    for line in done.stdout.splitlines():
        assert Path(json.loads(line)["card"]).is_file()


@pytest.mark.posix
@pytest.mark.process
def test_an_interrupt_ends_with_130_and_leaves_no_half_file(
    slide: Path, small_model: Path, tmp_path: Path
) -> None:
    slides = [shutil.copy(slide, tmp_path / f"s{number}.svs") for number in range(20)]
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "msfusion_sdk.cli",
        "encode",
        *map(str, slides),
        "-o",
        str(out),
        "--model",
        str(small_model),
    ]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A shell that runs the tests in the background makes children ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + patient(120)
    while not list(out.glob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=patient(120))
    assert process.returncode == 130, told.decode()
    assert not list(out.glob(".tmp-*"))
    for path in out.glob("*.parquet"):
        assert SlideEmbedding.from_parquet(path).status == "ok"


@pytest.mark.slow
def test_pretrain_tiles_prints_the_card_and_score_the_scores(
    msfusion: Msfusion, few_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(scores.CONDITIONS, "stain gains ±25 %")  # a pass over the tiles each
    coarse_networks(monkeypatch)
    narrow_networks(monkeypatch)
    data = ("--data", few_tiles, "--mpp", 0.25)
    quick = ("--epochs", 1, "--view-px", 32, "--workers", 0)
    done = msfusion("pretrain", "tiles", *data, "-o", tmp_path, *quick)
    assert done.code == 0, done.stderr
    assert "Research use only" in done.stdout
    done = msfusion("pretrain", "score", *data, "--model", tmp_path)
    assert done.code == 0, done.stderr
    assert "stain matched" in done.stdout
    assert "Colour statistics alone reach" in done.stdout


def test_bench_says_what_a_patch_and_a_cohort_cost(
    msfusion: Msfusion, small_slide: Path, small_model: Path
) -> None:
    asked = ("bench", small_slide, "--model", small_model, "--patches", 2, "--rounds", 1)
    done = msfusion(*asked, "--slides", 50, "--device", "cpu")
    assert done.code == 0, done.stderr
    for words in (
        "read a patch, one thread",
        "compute a patch",
        "peak memory",
        "50 slides like it",
    ):
        assert words in done.stdout
    answer = json.loads(msfusion(*asked, "--slides", 50, "--json").stdout)
    slide_s = answer["open_s"] + answer["survey_s"] + answer["patches"] * answer["patch_s"]
    assert answer["hours"] == pytest.approx((answer["ready_s"] + 50 * slide_s) / 3600)
    assert answer["timed_patches"] == 2


def test_bench_of_a_slide_without_tissue_says_so(msfusion: Msfusion, blank_slide: Path) -> None:
    done = msfusion("bench", blank_slide)
    assert done.code == 2
    assert "no patch to time" in done.stderr


def test_a_setting_that_cannot_be_is_told_without_the_words_of_a_library() -> None:
    with pytest.raises(SettingError) as told, known_words():
        RunSettings.model_validate({"engine": "spark", "workers": 0})
    assert "engine='spark' cannot be: input should be 'local' or 'ray'." in str(told.value)
    assert "workers=0 cannot be: give a number of at least 1." in str(told.value)
    assert "pydantic" not in str(told.value)
