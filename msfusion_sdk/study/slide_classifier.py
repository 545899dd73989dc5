"""A slide file in, the probability of each class out: the method's classifying device.

Source: method step 7.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.exceptions import NotFittedError

from msfusion_sdk.bags.bag import PATCHES, bag_table, vectors_of_rows
from msfusion_sdk.cohort.store.aggregate import vector_columns
from msfusion_sdk.config import FrozenConfig
from msfusion_sdk.encoder.result.embedding import SlideEmbedding
from msfusion_sdk.encoder.slide_encoder import SlideEncoder
from msfusion_sdk.errors import (
    MissingModalityError,
    ModelIdError,
    TableError,
    WeightsCorruptError,
)
from msfusion_sdk.files import making
from msfusion_sdk.fusion.estimators.classifier import FusionClassifier
from msfusion_sdk.storage.model_folder import MODEL, MODEL_ERRORS, read_model_format
from msfusion_sdk.storage.records import read_record, write_record
from msfusion_sdk.study.trained_model import ENCODER_FOLDER, require_its_encoder
from msfusion_sdk.study.training_record import TrainingRecord, has_training_record
from msfusion_sdk.tables.frames import ID_COLUMN

if TYPE_CHECKING:
    from msfusion_sdk.cohort.cohort import Cohort

__all__ = ["SlideClassifier"]

RECORD_FILE = "classifier.json"
SLIDE, ONE = "slide", "the slide"


class ClassifierRecord(FrozenConfig):
    """Which encoder a classifier belongs to."""

    VERSION: ClassVar = 2

    format: int = VERSION
    encoder_fingerprint: str


class SlideClassifier:
    """An encoder, and a classifier of its slide vectors.

    The networks of the encoder stay as they are.  ``msfusion pretrain labels`` fine-tunes them from
    the same classes first, and ``msfusion pretrain slides`` trains them from outlines; the encoder
    of either is given here.

    Parameters
    ----------
    encoder : SlideEncoder
    head : FusionClassifier, optional
        Fitted on the table ``slide`` of this encoder's vectors, and perhaps on others; without it
        ``fit`` makes one.
    """

    def __init__(self, encoder: SlideEncoder, head: FusionClassifier | None = None) -> None:
        self.encoder = encoder
        self.head = head

    def fit(
        self, cohort: "Cohort", outcome: str, *, workers: int = 1, random_state: int = 0
    ) -> Self:
        """Encode the slides of a cohort that this encoder has not encoded, and learn its classes.

        Parameters
        ----------
        cohort : Cohort
            A patient's slides, weighted by tissue area, are one vector with the patient's class.
        outcome : str
            The name of classes that the cohort declares.
        workers : int
            As in ``Cohort.encode``.
        random_state : int
            As in ``FusionClassifier``.

        Raises
        ------
        TableError
            When the outcome is not declared, is no class, or nobody with a class has a slide
            vector.
        StoreError
            When the slides' vectors cannot be stored.
        """
        labels = cohort.outcome(outcome)
        if isinstance(labels, pd.DataFrame):
            msg = f"{outcome!r} is survival, and a classifier learns classes. Use FusionSurvival."
            raise TableError(msg)
        cohort.encode(self.encoder, workers=workers)
        vectors = cohort.tables(model=self.encoder.fingerprint)[SLIDE]
        # Patients whose slides failed or are empty have no vector to learn from.
        labels = labels.loc[labels.index.intersection(vectors.index)]
        if not len(labels):
            msg = (
                f"No patient of {cohort.root} has both {outcome!r} and an encoded slide. "
                "cohort.status() says why slides failed."
            )
            raise MissingModalityError(msg)
        self.head = FusionClassifier(random_state=random_state).fit({SLIDE: vectors}, labels)
        return self

    def classify(
        self, path: str | os.PathLike[str], *, mpp: float | None = None
    ) -> tuple["pd.Series[float]", SlideEmbedding]:
        """Return the probability of each class of a slide, and how it was encoded.

        Parameters
        ----------
        path, mpp
            As in ``SlideEncoder.encode``.

        Returns
        -------
        probabilities : Series indexed by class, which sums to 1
        embedding : SlideEmbedding
            Patches with their weights, and warnings in its ``provenance``.

        Raises
        ------
        SlideError
            When the slide cannot be read.
        MissingModalityError
            When it has no patch with tissue, and so no class.
        """
        embedding = self.encoder.encode(path, mpp=mpp)
        if embedding.vector is None:
            msg = (
                f"{path} has no class: {embedding.reason}. Look at it with msfusion info; the "
                "biopsy preset takes smaller pieces of tissue."
            )
            raise MissingModalityError(msg)
        chances = self._fitted.predict_proba(self._tables(embedding))
        return chances.iloc[0].rename("probability"), embedding

    def predict_proba(self, vectors: ArrayLike) -> pd.DataFrame:
        """Return the probability of each class, a row per vector.

        Parameters
        ----------
        vectors : shape (slide, 1024)
            Of this encoder.
        """
        values = np.asarray(vectors, np.float32)
        # Estimators want ids; padded, so that their order as text is that of the rows.
        ids = pd.Index([f"{number:06d}" for number in range(len(values))], name=ID_COLUMN)
        table = pd.DataFrame(values, index=ids, columns=vector_columns(values.shape[1]))
        return self._fitted.predict_proba({SLIDE: table}).reset_index(drop=True)

    def save(self, folder: str | Path) -> Path:
        """Write the classifier, and the encoder into ``encoder/`` beside it; return the folder.

        Parameters
        ----------
        folder : path
            A model that is in it is written over.

        Raises
        ------
        StoreError
            When the folder cannot be written.
        """
        record = ClassifierRecord(encoder_fingerprint=self.encoder.fingerprint)
        with making(Path(folder), MODEL) as staged:
            self._fitted.save(staged)
            self.encoder.save_pretrained(staged / ENCODER_FOLDER)
            write_record(staged / RECORD_FILE, record)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "auto", precision: str = "auto") -> Self:
        """Return what ``save`` wrote.

        Parameters
        ----------
        folder : path
            Of ``save``, or of ``msfusion train --encoder``.
        device, precision
            As in ``SlideEncoder.from_pretrained``.

        Raises
        ------
        WeightsError
            One of its subclasses, when the folder is damaged, holds something else, or another
            encoder than the classifier has learned from.
        """
        folder = Path(folder)
        head, own = FusionClassifier.load(folder), folder / ENCODER_FOLDER
        if not own.is_dir():
            msg = (
                f"{folder} holds no encoder, so it classifies vectors and no slide files. Train it "
                "again with an encoder: msfusion train --encoder."
            )
            raise ModelIdError(msg)
        encoder = SlideEncoder.from_pretrained(own, device=device, precision=precision)
        its_own = require_its_encoder(own, encoder, _encoder_of(folder))
        return cls(its_own if SLIDE in head.fitted_.adapters else encoder, head)

    def _tables(self, embedding: SlideEmbedding) -> dict[str, pd.DataFrame]:
        """Return the slide as the tables that the classifier learned from."""
        wanted, vector = self._fitted.fitted_.adapters, embedding.vector
        assert vector is not None
        found = {}
        if SLIDE in wanted:
            index = pd.Index([ONE], name=ID_COLUMN)
            found[SLIDE] = pd.DataFrame(vector[None], index, vector_columns(len(vector)))
        if PATCHES in wanted:
            found[PATCHES] = bag_table({ONE: vectors_of_rows(embedding.patches)})
        return found

    @property
    def _fitted(self) -> FusionClassifier:
        if self.head is None:
            msg = "This SlideClassifier is not fitted. Call fit(cohort, outcome) first."
            raise NotFittedError(msg)
        return self.head


def _encoder_of(folder: Path) -> str | None:
    """Return the fingerprint of the encoder that a classifier learned from."""
    if has_training_record(folder):
        return TrainingRecord.read(folder).slide_model
    path = folder / RECORD_FILE
    try:
        record = read_record(ClassifierRecord, path, MODEL_ERRORS, version=ClassifierRecord.VERSION)
    except FileNotFoundError as error:
        if read_model_format(folder) == 1:
            return None  # version 0.1.0 did not write it down
        msg = f"{path} is missing. Copy the model folder again."
        raise WeightsCorruptError(msg) from error
    return record.encoder_fingerprint
