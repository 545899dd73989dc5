"""Settings under which training takes seconds."""

import pytest

from msfusion_sdk.pretraining.train_config import TrainConfig


@pytest.fixture(scope="session")
def quick_config() -> TrainConfig:
    return TrainConfig(
        tile_mpp=0.25,
        epochs=2,
        batch_size=16,
        image_px=48,
        detail_view_px=32,
        context_view_px=32,
        average_decay=0.5,
    )
