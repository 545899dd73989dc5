"""The vectors and features of a cohort's slides: which there are and how they leave."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from msfusion_sdk.cohort.export.bags import patient_bags
from msfusion_sdk.cohort.store.aggregate import SlideUse
from msfusion_sdk.cohort.store.status import CohortStatus, choose_model, cohort_status, models_of
from msfusion_sdk.cohort.store.store import EmbeddingStore
from msfusion_sdk.cohort.store.vectors import load_parts, patient_vectors
from msfusion_sdk.deprecation import renamed_argument

if TYPE_CHECKING:
    from msfusion_sdk.cohort.export.patch_features import PatchFeatures
    from msfusion_sdk.cohort.intake.attach import AttachReport
from msfusion_sdk.cohort.outcomes_of import CohortOutcomes

__all__ = ["CohortVectors"]


class CohortVectors(CohortOutcomes):
    """The results of models on a cohort's slides; ``Cohort`` has them."""

    @renamed_argument("slides", "aggregate", since="0.2", removal="0.3")
    def tables(
        self, aggregate: SlideUse = "weighted", *, model: str | None = None
    ) -> dict[str, pd.DataFrame]:
        """Return all tables by name, each indexed by patient_id: what estimators take.

        A patient who lacks a modality has no row in its table.  With encoded slides there is
        also ``slide``: columns ``v0000`` …, its ``attrs["n_slides"]`` the number of slides
        that went into each patient's vector.

        Parameters
        ----------
        aggregate : 'weighted', 'mean' or 'all'
            How a patient's slides become one vector: mean weighted by tissue area, plain
            mean, or a row for each, indexed by patient_id and slide_id.
        model : str, optional
            The first letters of a fingerprint, when several models have encoded the slides.
        """
        tables = {name: self.modality(name) for name in self.modalities}
        # Without any model there are no vectors to choose among; a model that is named must exist.
        if model is None and not models_of(self.root):
            return tables
        fingerprint = choose_model(self.root, model)
        rows = self._slide_frame()
        parts = load_parts(self.root, list(rows["slide_id"]), fingerprint)
        return {"slide": patient_vectors(rows, parts, aggregate), **tables}

    def patches(self, *, model: str | None = None) -> pd.DataFrame:
        """Return the patch vectors as a bag per patient: what the adapter ``patches`` takes.

        Holds where the vectors lie; they are read when somebody learns from them.  A patient
        without an encoded slide, or with empty ones only, has no row.

        Parameters
        ----------
        model : str, optional
            The first letters of a fingerprint, when several models have encoded the slides.

        Raises
        ------
        StoreError
            When no slide is encoded, or slides were encoded without their patches.
        """
        fingerprint = choose_model(self.root, model)
        return patient_bags(self.root, self._slide_frame(), fingerprint)

    def status(self, *, model: str | None = None) -> CohortStatus:
        """Return how far the cohort is encoded, and which slides failed why.

        Raises
        ------
        StoreMixedFeaturesError
            When several models have encoded the slides and ``model`` does not say which.
        """
        return cohort_status(self, model)

    def import_features(self, folder: str | Path, *, name: str) -> dict[str, int]:
        """Take the patch features of a CLAM or TRIDENT run: ``<slide_id>.h5`` for each slide.

        A slide's vector becomes the plain mean of its patches' features.

        Parameters
        ----------
        folder : path
            Where the ``.h5`` files lie, ``features`` of shape (patch, column) in each.
        name : str
            What the features are called, the model that made them say: it stands for a model
            beside those that have encoded slides here.

        Returns
        -------
        dict
            Slides ``imported``, slides ``without_file``, and ``unknown_files``.

        Raises
        ------
        TableError, ShapeError, NonFiniteError, StoreCorruptError
            For files that cannot be used, all of them at once.  The others are imported.
        MissingExtraError
            Without the extra ``[h5]``.
        """
        from msfusion_sdk.cohort.export.hdf5 import import_features

        return import_features(self.root, list(self._slide_frame()["slide_id"]), Path(folder), name)

    def attach_features(
        self,
        folder: str | Path,
        *,
        name: str,
        network: str | None = None,
        encoder: str | None = None,
    ) -> "AttachReport":
        """Attach patch features that TRIDENT, CLAM, AtlasPatch, STAMP or slide2vec made.

        The files stay where they are and are not read: each is remembered with its size and
        time, and refused when it has changed.  A slide's vector is the plain mean of its patches,
        computed when it is first asked for.  A file that cannot be used is that slide's failure.

        Parameters
        ----------
        folder : path
            Holds ``<slide_id>.h5`` or ``<slide_id>.pt``, in subfolders too.
        name : str
            What the features are called: they stand for a model of this name.
        network : str, optional
            The known network that made them (``msfusion models``), whose number of features is
            checked.
        encoder : str, optional
            Which features of files that hold those of several networks.

        Raises
        ------
        TableError, ShapeError
            When no file can be used, or they are of two networks.  Nothing is left then.
        MissingExtraError
            Without the extra ``[h5]``.
        """
        from msfusion_sdk.cohort.intake.attach import attach_features

        ids = list(self._slide_frame()["slide_id"])
        return attach_features(self.root, ids, Path(folder), name, network=network, encoder=encoder)

    def drop_model(self, model: str) -> str:
        """Remove vectors, patch rows and statuses of a model; return its fingerprint.

        Parameters
        ----------
        model : str
            Its name, or the first letters of its fingerprint.  Attached files stay.
        """
        from msfusion_sdk.cohort.intake.dropping import drop_model

        fingerprint = choose_model(self.root, model)
        drop_model(self.root, fingerprint)
        return fingerprint

    def patch_features(self, slide_id: str, *, model: str | None = None) -> "PatchFeatures":
        """Return the patch vectors of a slide and where they are, encoded here or attached.

        Parameters
        ----------
        slide_id : str
        model : str, optional
            Its name, or the first letters of a fingerprint, when there are several.

        Raises
        ------
        TableError
            When patch rows were not kept.
        StoreError
            When the slide has no result, or its file of features was changed.
        """
        from msfusion_sdk.cohort.export.patch_features import patch_features

        return patch_features(self.root, slide_id, choose_model(self.root, model))

    def export_features(self, folder: str | Path, *, model: str | None = None) -> int:
        """Write ``<slide_id>.h5`` with ``features`` and ``coords`` for slides with patch rows.

        The layout that CLAM, TRIDENT and what reads their files expect.  Returns how many.

        Parameters
        ----------
        folder : path
            Made if it is not there.  ``features`` has shape (patch, 1024), ``coords`` the
            top-left corners (x, y) in level-0 pixels.
        model : str, optional
            The first letters of a fingerprint, when several models have encoded the slides.

        Raises
        ------
        MissingExtraError
            Without the extra ``[h5]``.
        """
        from msfusion_sdk.cohort.export.hdf5 import export_features

        fingerprint = choose_model(self.root, model)
        slide_ids = list(self._slide_frame()["slide_id"])
        return export_features(self.root, slide_ids, Path(folder), fingerprint)

    def compact(self, *, model: str | None = None) -> int:
        """Move the parts of a model into files of 512 slides; return how many were moved.

        For cohorts that are encoded: not while another process encodes.
        """
        return EmbeddingStore(self.root, choose_model(self.root, model)).compact()
