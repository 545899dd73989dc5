"""Where a model's encoder looked on new slides: one PNG each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msfusion_sdk.cohort.store.ledger import SlideStatus
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.stored_result import stored_result
from msfusion_sdk.errors import SlideError, StoreError
from msfusion_sdk.figures.slides.overlay import write_overlay
from msfusion_sdk.figures.slides.small_png import require_replaceable_png
from msfusion_sdk.files import made_folder
from msfusion_sdk.places.url import Url
from msfusion_sdk.slides.files.names import result_name

__all__ = ["write_heat_maps"]


def write_heat_maps(
    root: str | Path,
    fingerprint: str,
    paths: Mapping[str, Path | Url],
    statuses: Sequence[SlideStatus],
    folder: str | Path,
) -> dict[str, Path | str]:
    """Draw each slide that has patches, with the weight of every tile over it.

    Parameters
    ----------
    root : path
        The working folder or cohort in which the slides were encoded, with ``patches=True``.
    fingerprint : str
        Of the encoder.
    paths : mapping
        From slide id to file; one at an address is not drawn.
    statuses : sequence of SlideStatus
        How the encoding of each ended.
    folder : path
        Where the PNG files go; made if it is not there.

    Returns
    -------
    dict
        From slide id to its picture, or to the reason why there is none.

    Raises
    ------
    StoreSchemaError
        When a picture would replace a file that is none of ours; nothing is drawn then.
    """
    store, target = EmbeddingStore(root, fingerprint), made_folder(Path(folder))
    pictures = {s.slide_id: target / f"{result_name(s.slide_id)}.png" for s in statuses}
    for path in pictures.values():
        require_replaceable_png(path)
    found: dict[str, Path | str] = {}
    for status in statuses:
        name = status.slide_id
        if not status.is_done or not status.n_patches:
            found[name] = status.reason
            continue
        try:
            result = stored_result(store, name)
        # A picture is an extra: what is wrong with one must not cost the predictions.
        except (KeyError, StoreError) as error:
            found[name] = f"its patches cannot be read: {error}"
            continue
        try:
            found[name] = write_overlay(str(paths[name]), result, pictures[name])
        except SlideError as error:  # the prediction stands without its picture
            found[name] = f"[{error.code}] {error}"
    return found
