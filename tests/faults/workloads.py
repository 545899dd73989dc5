"""Every command that writes: what is there before, what it does, and what is read afterwards."""

import hashlib
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import torch
from world import SLIDES, World, clinical, patients, slide_table

from msfusion_sdk import Cohort, SlideClassifier, SlideEmbedding, SlideEncoder
from msfusion_sdk.cohort.encoding.plan import SlideRow, plan_run
from msfusion_sdk.cohort.store.ledger import Ledger
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts
from msfusion_sdk.cohort.workers.worker import Job, encode_task
from msfusion_sdk.doctor.cohort import examine_cohort
from msfusion_sdk.errors import MsfusionWarning, StoreUnfinishedError
from msfusion_sdk.inspect.encode_folder import encode_to_folder
from msfusion_sdk.pretraining.checkpoint import (
    CheckpointWarning,
    TrainingState,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from msfusion_sdk.report.write import write_report
from msfusion_sdk.storage.predictions import read_predictions
from msfusion_sdk.study.evaluation_folder import write_evaluation
from msfusion_sdk.study.evaluation_record import EvaluationRecord
from msfusion_sdk.study.models import predict_to_file
from msfusion_sdk.study.train import train_on_cohort
from msfusion_sdk.study.trained_model import TrainedModel
from msfusion_sdk.validation.recalibrate import recalibrate_model
from msfusion_sdk.validation.record import ValidationRecord, write_validation
from msfusion_sdk.validation.result import ExternalValidation
from msfusion_sdk.validation.validate import validate_model

Act = Callable[[World, Path], object]


@dataclass(frozen=True)
class Workload:
    """A command on a folder."""

    name: str
    act: Act
    """What is run, killed, and run again: the same each time."""
    state: Act
    """What a user reads afterwards, as something that can be compared."""
    prepare: Act = lambda _world, folder: folder.mkdir()
    """Makes the folder as it is before."""
    is_slow: bool = False
    """Left to the long run."""


def _create(world: World, folder: Path) -> None:
    paths = {name: world.folder / f"{name}.svs" for name in SLIDES}
    Cohort.create(folder / "c", patients=patients(), slides=slide_table(paths))


def _created(world: World, folder: Path) -> object:
    cohort = Cohort.open(folder / "c")
    assert cohort.slides is not None
    outcomes = {name: outcome.columns for name, outcome in cohort.manifest.outcomes.items()}
    return cohort.patients.to_pylist(), cohort.slides.to_pylist(), sorted(outcomes)


def _copied(world: World, folder: Path) -> None:
    folder.mkdir()
    world.copy(folder / "c")


def _add(world: World, folder: Path) -> None:
    Cohort.open(folder / "c").add_modality("clinical", clinical(shift=1), replace=True)


def _added(world: World, folder: Path) -> object:
    return Cohort.open(folder / "c").modality("clinical").to_csv()


def _declare(world: World, folder: Path) -> None:
    Cohort.open(folder / "c").declare_outcome("site", column="diagnosis")


def _declared(world: World, folder: Path) -> object:
    return sorted(Cohort.open(folder / "c").manifest.outcomes)


def _unencoded(world: World, folder: Path) -> None:
    _copied(world, folder)
    for name in ("embeddings", "patches", "ledger"):
        shutil.rmtree(folder / "c" / name)


def _encode(world: World, folder: Path) -> None:
    """As a run of one worker does, without processes."""
    root = folder / "c"
    store = EmbeddingStore(root, world.encoder.fingerprint)
    store.prepare()
    rows = [SlideRow(name, world.folder / f"{name}.svs", None) for name in SLIDES]
    ledger = Ledger(root, world.encoder.fingerprint)
    job = Job(root, world.encoder.fingerprint, b"", None, True, 1, 600.0, None, 1.0)
    for task in plan_run(rows, store, patches=True).tasks:
        ledger.write(encode_task(job, task, _Known(world)))


class _Known(SlideEncoder):
    """An encoder that has encoded the slides before."""

    def __init__(self, world: World) -> None:
        self.__dict__ = world.encoder.__dict__
        self._results = world.results

    def encode(self, *_: Any, slide_id: str | None = None, **__: Any) -> SlideEmbedding:
        return self._results[str(slide_id)]


def _encoded(world: World, folder: Path) -> object:
    root, fingerprint = folder / "c", world.encoder.fingerprint
    store, parts = EmbeddingStore(root, fingerprint), load_parts(root, list(SLIDES), fingerprint)
    rows = {name: store.patch_rows(part) for name, part in parts.items()}
    patches = {name: None if table is None else table.num_rows for name, table in rows.items()}
    return {name: part.digest for name, part in parts.items()}, patches


def _replaced(world: World, folder: Path) -> None:
    """One archived slide was replaced and encoded since."""
    _copied(world, folder)
    store = EmbeddingStore(folder / "c", world.encoder.fingerprint)
    store.compact()
    result = world.results["a"]
    slide = result.provenance.slide.model_copy(update={"mtime_ns": 1})
    provenance = result.provenance.model_copy(update={"slide": slide})
    later = SlideEmbedding(
        "a", result.status, result.reason, -result.vector, result.patches, provenance
    )
    store.commit(later)


def _compact(world: World, folder: Path) -> None:
    EmbeddingStore(folder / "c", world.encoder.fingerprint).compact()


def _compacted(world: World, folder: Path) -> object:
    parts = load_parts(folder / "c", list(SLIDES), world.encoder.fingerprint)
    return {name: part.digest for name, part in parts.items()}


def _export(level: str) -> Act:
    def act(world: World, folder: Path) -> None:
        Cohort.open(world.cohort).export(folder / "x.parquet", level=level)  # type: ignore[arg-type]

    return act


def _bytes_of(name: str) -> Act:
    def state(world: World, folder: Path) -> object:
        path = folder / name
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None

    return state


def _with_export(world: World, folder: Path) -> None:
    """An older export, of slides, which is replaced."""
    folder.mkdir()
    Cohort.open(world.cohort).export(folder / "x.parquet", level="slide")


def _export_features(world: World, folder: Path) -> None:
    Cohort.open(world.cohort).export_features(folder / "h5")


def _exported_features(world: World, folder: Path) -> object:
    found = {}
    for path in sorted((folder / "h5").glob("[!.]*.h5")):
        with h5py.File(path) as file:
            found[path.name] = file["features"][:].tobytes(), file["coords"][:].tobytes()
    return found


def _import_features(world: World, folder: Path) -> None:
    Cohort.open(folder / "c").import_features(world.features, name="x")


def _imported_features(world: World, folder: Path) -> object:
    from msfusion_sdk.cohort.features.attached import features_fingerprint

    parts = load_parts(folder / "c", list(SLIDES), features_fingerprint("x"))
    return {name: part.vector.tolist() for name, part in parts.items() if part.vector is not None}


def _train(with_encoder: bool) -> Act:
    def act(world: World, folder: Path) -> None:
        cohort = Cohort.open(world.cohort)
        encoder = world.encoder if with_encoder else None
        modalities = ["slide", "clinical"] if with_encoder else ["clinical"]
        train_on_cohort(cohort, "diagnosis", folder / "m", modalities=modalities, encoder=encoder)

    return act


def _trained(world: World, folder: Path) -> object:
    tables = {"clinical": clinical().set_index("patient_id")}
    model = TrainedModel.load(folder / "m")
    if model.has_encoder:
        _ = model.encoder(device="cpu", precision="fp32")
    return model.record.model_dump(), model.predict(tables).to_csv()


def _save_classifier(world: World, folder: Path) -> None:
    head = TrainedModel.load(world.folder / "classifier").estimator
    SlideClassifier(world.encoder, head).save(folder / "m")


def _saved_classifier(world: World, folder: Path) -> object:
    found = SlideClassifier.load(folder / "m", device="cpu", precision="fp32")
    return found.encoder.fingerprint


def _save_encoder(world: World, folder: Path) -> None:
    world.encoder.save_pretrained(folder / "m")


def _saved_encoder(world: World, folder: Path) -> object:
    return SlideEncoder.from_pretrained(folder / "m", device="cpu", precision="fp32").fingerprint


def _with_encoder(world: World, folder: Path) -> None:
    folder.mkdir()
    _save_encoder(world, folder)


def _predict(name: str) -> Act:
    def act(world: World, folder: Path) -> None:
        predict_to_file(Cohort.open(world.cohort), world.model, folder / name)

    return act


def _predicted(world: World, folder: Path) -> object:
    table, about = read_predictions(folder / "p.parquet")
    return table.to_csv(), about


def _evaluate(world: World, folder: Path) -> None:
    write_evaluation(world.evaluation, folder / "e")


def _evaluated(world: World, folder: Path) -> object:
    record = EvaluationRecord.read(folder / "e").model_dump(exclude={"written_at"})
    return record, read_predictions(folder / "e" / "predictions.parquet")[0].to_csv()


def _with_evaluation(world: World, folder: Path) -> None:
    folder.mkdir()
    _evaluate(world, folder)


def _validate(world: World, folder: Path) -> None:
    write_validation(_external(world.model, world.elsewhere), folder / "v")


def _validated(world: World, folder: Path) -> object:
    record = ValidationRecord.read(folder / "v").model_dump(exclude={"written_at"})
    return record, read_predictions(folder / "v" / "predictions.parquet")[0].to_csv()


def _with_validation(world: World, folder: Path) -> None:
    folder.mkdir()
    _validate(world, folder)


@cache
def _external(model: Path, cohort: Path) -> ExternalValidation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MsfusionWarning)
        return validate_model(TrainedModel.load(model), Cohort.open(cohort), bootstrap=0)


def _recalibrate(world: World, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MsfusionWarning)
        model, cohort = TrainedModel.load(world.model), Cohort.open(world.elsewhere)
        recalibrate_model(model, cohort, folder / "m")


def _report(world: World, folder: Path) -> None:
    write_report([world.cohort], folder / "r.html")


def _reported(world: World, folder: Path) -> object:
    return (folder / "r.html").read_text().rstrip().endswith("</html>")


def _encode_files(world: World, folder: Path) -> None:
    slides = [world.folder / f"{name}.svs" for name in SLIDES[:1]]
    assert all(r.status != "failed" for r in encode_to_folder(world.encoder, slides, folder / "o"))


def _encoded_files(world: World, folder: Path) -> object:
    result = SlideEmbedding.from_parquet(folder / "o" / "a.parquet")
    names = sorted(path.name for path in (folder / "o").iterdir() if path.name[0] != ".")
    return result.vector.tolist(), [name for name in names if name.startswith("a.")]


def _checkpoints(world: World, folder: Path) -> None:
    """Three epochs, each of which goes on from the one before."""
    path = folder / "last.safetensors"
    module = torch.nn.Linear(4, 2)
    optimiser = torch.optim.AdamW(module.parameters())
    state = TrainingState("s")
    if has_checkpoint(path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)
            state = load_checkpoint(path, "s", {"m": module}, optimiser)
    while state.epoch < 3:
        state.epoch += 1
        with torch.no_grad():
            for value in module.parameters():
                value.fill_(state.epoch)
        save_checkpoint(path, state, {"m": module}, optimiser)


def _checkpointed(world: World, folder: Path) -> object:
    module = torch.nn.Linear(4, 2)
    optimiser = torch.optim.AdamW(module.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        path = folder / "last.safetensors"
        if not has_checkpoint(path):
            raise StoreUnfinishedError
        state = load_checkpoint(path, "s", {"m": module}, optimiser)
    return state.epoch, module.weight.sum().item()


def _damaged(world: World, folder: Path) -> None:
    _copied(world, folder)
    store = EmbeddingStore(folder / "c", world.encoder.fingerprint)
    store.part("a").write_bytes(b"damaged")
    store.patch_part("b").write_bytes(b"damaged")


def _repair(world: World, folder: Path) -> None:
    examine_cohort(folder / "c", repair=True)


def _repaired(world: World, folder: Path) -> object:
    return _encoded(world, folder)


WORKLOADS = (
    Workload("create", _create, _created),
    Workload("add --replace", _add, _added, _copied),
    Workload("declare outcome", _declare, _declared, _copied),
    Workload("encode --patches", _encode, _encoded, _unencoded),
    Workload("compact", _compact, _compacted, _replaced),
    Workload("export", _export("patient"), _bytes_of("x.parquet"), _with_export),
    Workload("export by patch", _export("patch"), _bytes_of("x.parquet"), is_slow=True),
    Workload("export-features", _export_features, _exported_features),
    Workload("import-features", _import_features, _imported_features, _copied, is_slow=True),
    Workload("train", _train(False), _trained, is_slow=True),
    Workload("train --encoder", _train(True), _trained, is_slow=True),
    Workload("save a classifier", _save_classifier, _saved_classifier, is_slow=True),
    Workload("save an encoder over one", _save_encoder, _saved_encoder, _with_encoder, True),
    Workload("predict", _predict("p.parquet"), _predicted, is_slow=True),
    Workload("predict to csv", _predict("p.csv"), _bytes_of("p.csv"), is_slow=True),
    Workload("evaluate", _evaluate, _evaluated, is_slow=True),
    Workload("evaluate over one", _evaluate, _evaluated, _with_evaluation, is_slow=True),
    Workload("validate over one", _validate, _validated, _with_validation, is_slow=True),
    Workload("recalibrate", _recalibrate, _trained, is_slow=True),
    Workload("report", _report, _reported, is_slow=True),
    Workload("encode files", _encode_files, _encoded_files, is_slow=True),
    Workload("checkpoints", _checkpoints, _checkpointed),
    Workload("doctor --repair", _repair, _repaired, _damaged),
)


def quiet() -> None:
    """Keep warnings of made-up data off the screen."""
    warnings.simplefilter("ignore")
    os.environ["MPLBACKEND"] = "agg"
