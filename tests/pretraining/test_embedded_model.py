"""The embedded model on tile groups that it never saw."""

from pathlib import Path

import pytest

from msfusion_sdk.encoder.backends.devices import choose_runtime
from msfusion_sdk.encoder.weights.model_folder import load_model_folder
from msfusion_sdk.pretraining.index import read_tile_index
from msfusion_sdk.pretraining.scores import tile_probabilities
from msfusion_sdk.pretraining.views import Scale

COLOUR_FLOOR = 0.92  # measured by others on the same tiles, with 13 colour statistics


@pytest.mark.parametrize("scale", ["context", "detail"])
@pytest.mark.parametrize(
    ("condition", "least"),
    [("clean", COLOUR_FLOOR), ("stain matched", COLOUR_FLOOR), ("stain gains ±25 %", 0.9)],
)
def test_it_beats_the_colour_floor(
    embedded_model: Path, shared: Path, scale: Scale, condition: str, least: float
) -> None:
    model, _ = load_model_folder(embedded_model)
    index = read_tile_index(shared / "data" / "tiles" / "lc25000")
    # A tile of every group: the others are copies of the same photograph.
    table = index.table[index.table["part"] == "test"].groupby("group").head(1)
    paths = [index.root / c / f for c, f in zip(table["class"], table["file"], strict=True)]
    truth = table["class"].map(index.classes.index).to_numpy()
    runtime = choose_runtime("cpu")
    network = getattr(model, scale)
    guess = tile_probabilities(
        network, paths, scale, tile_mpp=0.3, condition=condition, runtime=runtime
    ).argmax(1)
    recalls = [(guess[truth == c] == c).mean() for c in range(len(index.classes))]
    assert sum(recalls) / len(recalls) > least
