"""Flip bits of, and cut, every kind of file that is ours: an error of ours, or the same result.

Left out are files for people and other programs, which have no seal: GeoJSON, CSV, Markdown,
HTML, PNG, HDF5.  docs/file-format.md lists them.
"""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import workloads as w
from injection import run_forked
from world import World, clinical

from msfusion_sdk import Cohort, FusionSurvival, SlideEmbedding
from msfusion_sdk.cohort.export.written import EXPORT_FILE
from msfusion_sdk.cohort.store.ledger import Ledger
from msfusion_sdk.errors import MsfusionError
from msfusion_sdk.pretraining.annotated.datasets import read_earlier
from msfusion_sdk.shift.profile import read_profile
from msfusion_sdk.storage.predictions import read_predictions
from msfusion_sdk.storage.records import sealed
from msfusion_sdk.storage.sealed import read_sealed
from msfusion_sdk.study.models import predict_to_file
from msfusion_sdk.study.training_record import TrainingRecord

FLIPS, CUTS = 50, 20
FEW_FLIPS, FEW_CUTS = 4, 2


@dataclass(frozen=True)
class FileKind:
    """One kind of file: where it is, and what is read of it."""

    name: str
    make: Callable[[World, Path], object]
    """Makes it, and what belongs to it, below a new folder."""
    pattern: str
    read: Callable[[World, Path], object]
    """Returns something that can be compared."""
    grows: bool = False
    """Whether a process that is killed leaves it shorter, so that a cut is nothing else."""


def run_flips(world: World, folder: Path, *, is_long: bool, only: str | None) -> bool:
    """Print a line for each kind of file; return whether all went well."""
    flips, cuts = (FLIPS, CUTS) if is_long else (FEW_FLIPS, FEW_CUTS)
    good = True
    for kind in KINDS:
        if only and only not in kind.name:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        kind.make(world, folder)
        note = folder.with_suffix(".json")
        note.unlink(missing_ok=True)
        ended = run_forked(partial(_try, world, kind, folder, flips, cuts, note), folder)
        counts = Counter(json.loads(note.read_text()) if note.exists() else {"died": 1})
        bad = counts["silent"] + counts["foreign"] + counts["died"]
        good &= not bad and ended.how == "ok"
        print(f"{kind.name:26} flips {flips} cuts {cuts}  {dict(counts)} {'BAD' if bad else ''}")
        if bad or ended.how != "ok":
            print(ended.text[-2000:])
    return good


def _try(world: World, kind: FileKind, folder: Path, flips: int, cuts: int, note: Path) -> None:
    path = min(folder.glob(kind.pattern))
    data, wanted = path.read_bytes(), repr(kind.read(world, folder))
    rng, counts = random.Random(kind.name), Counter[str]()
    mutants = [_flipped(data, rng) for _ in range(flips)]
    mutants += [data[: rng.randrange(len(data))] for _ in range(cuts)] if data else []
    for mutant in mutants:
        path.write_bytes(mutant)
        try:
            found = repr(kind.read(world, folder))
            is_shorter = kind.grows and len(mutant) < len(data) and len(found) < len(wanted)
            how = "same" if found == wanted else "as killed" if is_shorter else "silent"
        except MsfusionError:
            how = "own error"
        except Exception as error:
            how = "foreign"
            print(f"  {kind.name}: {type(error).__name__}: {error}", flush=True)
        if how == "silent":
            print(f"  {kind.name}: silent, {_where(data, mutant)}", flush=True)
        counts[how] += 1
        note.write_text(json.dumps(counts))
    path.write_bytes(data)


def _flipped(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return b"x"
    mutant = bytearray(data)
    mutant[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(mutant)


def _where(data: bytes, mutant: bytes) -> str:
    if len(data) != len(mutant):
        return f"cut to {len(mutant)} of {len(data)} bytes"
    place = next(i for i, (a, b) in enumerate(zip(data, mutant, strict=True)) if a != b)
    return f"byte {place} of {len(data)}: {data[place - 20 : place + 20]!r}"


def _whole(world: World, folder: Path) -> object:
    """Everything that a reader of a cohort sees."""
    cohort = Cohort.open(folder / "c")
    tables = {name: table.to_csv() for name, table in cohort.tables().items()}
    return cohort.patients.to_pylist(), w._created(world, folder), tables, cohort.status().counts


def _archived(world: World, folder: Path) -> None:
    w._copied(world, folder)
    w._compact(world, folder)


def _ledger(world: World, folder: Path) -> object:
    found = Ledger(folder / "c", world.encoder.fingerprint).latest()
    return {name: (status.status, status.reason) for name, status in found.items()}


def _model(world: World, folder: Path) -> None:
    folder.mkdir()
    shutil.copytree(world.model, folder / "m")


def _record(_: World, folder: Path) -> object:
    return TrainingRecord.read(folder / "m")


def _estimator(_: World, folder: Path) -> object:
    return FusionSurvival.load(folder / "m").predict_risk(TABLES).tolist()


TABLES = {"clinical": clinical().set_index("patient_id")}


def _profile(_: World, folder: Path) -> object:
    found = read_profile(folder / "m")
    return None if found is None else found.to_csv()


def _classifier(world: World, folder: Path) -> None:
    folder.mkdir()
    w._save_classifier(world, folder)


def _validation(world: World, folder: Path) -> None:
    folder.mkdir()
    w._validate(world, folder)


def _evaluation(world: World, folder: Path) -> None:
    folder.mkdir()
    w._evaluate(world, folder)


def _prediction(world: World, folder: Path) -> None:
    folder.mkdir()
    predict_to_file(Cohort.open(world.cohort), world.model, folder / "p.parquet")


def _predictions(_: World, folder: Path) -> object:
    table, about = read_predictions(folder / "p.parquet")
    return table.to_csv(), about


def _export(world: World, folder: Path) -> None:
    folder.mkdir()
    Cohort.open(world.cohort).export(folder / "x.parquet")


def _exported(_: World, folder: Path) -> object:
    return read_sealed(folder / "x.parquet", EXPORT_FILE).table.to_pylist()


def _result(world: World, folder: Path) -> None:
    folder.mkdir()
    world.results["a"].to_parquet(folder / "a.parquet")


def _read_result(_: World, folder: Path) -> object:
    found = SlideEmbedding.from_parquet(folder / "a.parquet")
    where = found.provenance.model_dump()
    return found.vector.tolist(), found.patches.to_pylist(), where, found.tissue


def _checkpoint(world: World, folder: Path) -> None:
    folder.mkdir()
    w._checkpoints(world, folder)
    (folder / "last.before.safetensors").unlink()


def _cut(_: World, folder: Path) -> None:
    folder.mkdir()
    (folder / "s.json").write_text(sealed({"format": 2, "rows": [{"class": "x"}], "n": 1.5}))


def _read_cut(_: World, folder: Path) -> object:
    found = read_earlier(folder / "s.json")
    if found is None:
        raise MsfusionError  # the slide is cut anew
    return found


def _encoder(world: World, folder: Path) -> None:
    folder.mkdir()
    w._save_encoder(world, folder)


KINDS = (
    FileKind("cohort.json", w._copied, "c/cohort.json", _whole),
    FileKind("patients.parquet", w._copied, "c/patients.parquet", _whole),
    FileKind("slides.parquet", w._copied, "c/slides.parquet", _whole),
    FileKind("modality", w._copied, "c/modalities/clinical.parquet", _whole),
    FileKind("part", w._copied, "c/embeddings/*/slide=a.parquet", _whole),
    FileKind("part with patches", w._copied, "c/patches/*/slide=a.parquet", w._encoded),
    FileKind("archive", _archived, "c/embeddings/*/pack-*.parquet", _whole),
    FileKind("ledger", w._copied, "c/ledger/*/run-*.jsonl", _ledger, grows=True),
    FileKind("encoder config", _encoder, "m/config.json", w._saved_encoder),
    FileKind("encoder weights", _encoder, "m/model.safetensors", w._saved_encoder),
    FileKind("model config", _model, "m/config.json", _estimator),
    FileKind("model weights", _model, "m/model.safetensors", _estimator),
    FileKind("training.json", _model, "m/training.json", _record),
    FileKind("training profile", _model, "m/training_profile.parquet", _profile),
    FileKind("classifier.json", _classifier, "m/classifier.json", w._saved_classifier),
    FileKind("evaluation.json", _evaluation, "e/evaluation.json", w._evaluated),
    FileKind("validation.json", _validation, "v/validation.json", w._validated),
    FileKind("predictions of validate", _validation, "v/predictions.parquet", w._validated),
    FileKind("predictions of evaluate", _evaluation, "e/predictions.parquet", w._evaluated),
    FileKind("predictions of predict", _prediction, "p.parquet", _predictions),
    FileKind("export", _export, "x.parquet", _exported),
    FileKind("result of a slide", _result, "a.parquet", _read_result),
    FileKind("checkpoint", _checkpoint, "last.safetensors", w._checkpointed),
    FileKind("record of a cut slide", _cut, "s.json", _read_cut),
)
