"""Slides and data that several tests use."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from msfusion_sdk.cohort.workers import pool
from msfusion_sdk.config import EncoderConfig, PatchConfig
from msfusion_sdk.encoder.networks.model import TwoScaleModel
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.encoder.weights.encoder_folder import write_model_folder
from msfusion_sdk.encoder.weights.hub import DEFAULT_MODEL, embedded_models
from msfusion_sdk.testing import make_slide

from .coarse import coarse_networks, narrow_networks
from .patience import TEST_S, patient
from .warm import WarmServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

collect_ignore = ["data"]  # programs of their time, with imports of then

WORKERS_NEED = ("msfusion_sdk.encoder.slide_encoder", "msfusion_sdk.slides.tissue.mask")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_configure(config: pytest.Config) -> None:
    """Scale the time after which a test is taken to hang, unless ``--timeout`` gives it."""
    if config.option.timeout is None:
        config.option.timeout = patient(TEST_S)
    # How long an example takes says how busy the machine is, and nothing about what is tested.
    settings.register_profile(
        "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("unhurried")
    # What nohup and a shell's & ignore would be ignored below too, and tests send it to processes.
    if os.name != "nt":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what opens pages: whatever asks for a browser; skip what Windows does not have."""
    for item in items:
        if os.name == "nt" and item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skip(reason="needs signals, pipes or forks"))
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def _warm_workers() -> Iterator[None]:
    """Workers are forked from a process that has imported what they need: four seconds each.

    Workers that import for themselves, as users' do, are tested in processes of their own.
    """
    if os.name == "nt":
        yield
        return
    server = get_context("forkserver")
    server.set_forkserver_preload(["msfusion_sdk.cohort.workers.worker", "torch", *WORKERS_NEED])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "get_context", lambda _: server)
        yield


@pytest.fixture(scope="module")
def coarse() -> Iterator[None]:
    """For tests of what is done with vectors: networks that see about 64 pixels a side."""
    with pytest.MonkeyPatch.context() as patch:
        coarse_networks(patch)
        yield


@pytest.fixture(scope="module")
def narrow(coarse: None) -> Iterator[None]:
    """For tests of training: coarse networks of few weights, made anew."""
    with pytest.MonkeyPatch.context() as patch:
        narrow_networks(patch)
        yield


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmServer]:
    """Runs commands and scripts in processes that begin with everything imported."""
    # Not in pytest's folder: the address of a socket has a hundred letters.
    with TemporaryDirectory() as folder:
        server = WarmServer(Path(folder))
        server.wait(patient(300))
        yield server
        server.close()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository; tests that need it are skipped without."""
    folder = Path(__file__).parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("../shared is not there")
    return folder


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small file system with options, or mount it anew with others."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name == "nt" or os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small file system")

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, check=False).returncode:
            pytest.skip("no file system can be mounted here")
        return folder

    yield mount
    subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.fixture(scope="session")
def small_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A resection of 6000 x 5000 pixels at 0.25 µm per pixel, three levels."""
    return make_slide(tmp_path_factory.mktemp("slides") / "small.svs", 6000, 5000)


@pytest.fixture(scope="session")
def tiny_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide smaller than a patch, 700 x 500 pixels, tissue throughout, one level."""
    path = tmp_path_factory.mktemp("slides") / "tiny.svs"
    return make_slide(path, 700, 500, tissue="full", downsamples=(1,))


@pytest.fixture(scope="session")
def blank_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Glass and nothing on it, 3000 x 2000 pixels."""
    return make_slide(tmp_path_factory.mktemp("slides") / "blank.svs", 3000, 2000, tissue="none")


@pytest.fixture(scope="session")
def made_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 1536 x 1024 pixels."""
    return make_slide(tmp_path_factory.mktemp("made") / "made-slide.svs", 1536, 1024, seed=1)


@pytest.fixture
def slide_copy(made_slide: Path, tmp_path: Path) -> Path:
    """A slide that a test may damage."""
    return Path(shutil.copy(made_slide, tmp_path / "made-copy.svs"))


@pytest.fixture(scope="session")
def real_slide(shared: Path) -> Path:
    """Skin, H&E, at 0.499 µm per pixel."""
    return shared / "data" / "slides" / "CMU-1-Small-Region.svs"


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The folder of the model inside the package."""
    return embedded_models()[DEFAULT_MODEL]


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with random weights and patches of 64 pixels: quick to run."""
    patches = PatchConfig(patch_size_px=64, stride_px=256, low_recall=0.0)
    config = EncoderConfig(name="small", patches=patches)
    folder = tmp_path_factory.mktemp("small-model")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        write_model_folder(folder, TwoScaleModel(config), config, "# Random weights\n")
    return folder


@pytest.fixture(scope="session")
def small_encoder(small_model: Path) -> SlideEncoder:
    """The encoder of ``small_model``, on the CPU in fp32."""
    return SlideEncoder.from_pretrained(small_model, device="cpu", precision="fp32")


@pytest.fixture(scope="session")
def tile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled tiles, stripes against dots: 2 classes of 10 groups of 3 copies, 48 pixels."""
    root = _draw_tiles(tmp_path_factory.mktemp("tiles"), groups=10, copies=3)
    links = ("dots-00,dots-01", "dots-01,dots-02", "stripes-03,elsewhere")
    (root / "linked_groups.csv").write_text("\n".join(["group_a,group_b", *links]) + "\n")
    return root


@pytest.fixture(scope="session")
def few_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four of each class, in as many groups: two for training, one each to validate and test.

    Scoring makes large images of them, whatever their size.
    """
    return _draw_tiles(tmp_path_factory.mktemp("few-tiles"), groups=4, copies=1)


@pytest.fixture(scope="session")
def outlined_slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four patients with a slide of 2 x 2 patches each, the left two outlined as Tumor.

    ``slides.csv`` and ``outlines/``; the slides are all tissue, 2400 x 2400 pixels.
    """
    root = tmp_path_factory.mktemp("outlined")
    (root / "outlines").mkdir()
    left = [[0, 0], [1152, 0], [1152, 2304], [0, 2304], [0, 0]]
    outline = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [left]},
        "properties": {"objectType": "annotation", "classification": {"name": "Tumor"}},
    }
    rows = ["slide_id,patient_id,path"]
    for number in range(4):
        make_slide(root / f"s{number}.svs", 2400, 2400, tissue="full", seed=number)
        (root / "outlines" / f"s{number}.geojson").write_text(json.dumps([outline]))
        rows.append(f"s{number},p{number},s{number}.svs")
    (root / "slides.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="session")
def labelled_slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 patients with an image of 640 x 640 pixels each: dots are one class, stripes the other."""
    root = tmp_path_factory.mktemp("labelled")
    rng = np.random.default_rng(0)
    rows = ["slide_id,patient_id,path,mpp,diagnosis"]
    for number in range(16):
        kind = ("dots", "stripes")[number % 2]
        image = np.full((640, 640, 3), 245, np.uint8)
        tissue = image[64:-64, 64:-64]
        tissue[:] = rng.integers(-8, 9, tissue.shape) + np.array((200, 150, 190))
        for _ in range(300):
            x, y = (int(v) for v in rng.integers(0, 512, 2))
            if kind == "dots":
                cv2.circle(tissue, (x, y), 5, (110, 60, 130), -1)
            else:
                cv2.line(tissue, (x - 14, y), (x + 14, y), (110, 60, 130), 3)
        cv2.imwrite(str(root / f"s{number}.png"), image)
        rows.append(f"s{number},p{number},{root}/s{number}.png,0.25,{kind}")
    (root / "slides.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="session")
def trained_model(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model with patches of 128 pixels."""
    encoder = SlideEncoder.from_pretrained(embedded_model, device="cpu")
    patches = PatchConfig(patch_size_px=128, stride_px=128, low_recall=0.0)
    config = encoder.config.model_copy(update={"patches": patches})
    return encoder.with_config(config).save_pretrained(tmp_path_factory.mktemp("trained-model"))


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """A headless Chromium, in which pages are as a user sees them."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as drive:
        browser = drive.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def _draw_tiles(root: Path, *, groups: int, copies: int) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for kind in ("dots", "stripes"):
        (root / kind).mkdir()
        for group in range(groups):
            for copy in range(copies):
                name = f"{group:02d}-{copy}.png"
                cv2.imwrite(str(root / kind / name), _draw_tile(kind, rng))
                rows.append(f"{kind},{name},{kind}-{group:02d}")
    (root / "index.csv").write_text("\n".join(["class,file,group", *rows]) + "\n")
    return root


def _draw_tile(kind: str, rng: np.random.Generator) -> np.ndarray:
    tile = np.full((48, 48, 3), (220, 170, 200), np.int16) + rng.integers(-8, 9, (48, 48, 3))
    tile = tile.astype(np.uint8)
    for _ in range(6):
        x, y = (int(v) for v in rng.integers(6, 42, 2))
        if kind == "dots":
            cv2.circle(tile, (x, y), 4, (110, 60, 130), -1)
        else:
            cv2.line(tile, (x - 12, y), (x + 12, y), (110, 60, 130), 2)
    return tile
