"""DICOM series made of a picture: levels of uncompressed frames, and files that are no slides."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from .pictures import Pixels, smaller

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
REPORT = "1.2.840.10008.5.1.4.1.1.88.33"
EDGE = 256


def uid(*words: object) -> str:
    """The same UID for the same words."""
    return str(generate_uid(entropy_srcs=[str(word) for word in words]))


def write_series(folder: Path, image: Pixels, series: str, *, levels: int = 3, mpp: float = 0.5,
                 name: str = "{series}-{level}.dcm", first: int = 0) -> list[Path]:  # fmt: skip
    """Write the levels of a slide as files; ``first`` leaves out the largest."""
    folder.mkdir(exist_ok=True, parents=True)
    paths = []
    for level in range(first, levels):
        path = folder / name.format(series=series, level=level)
        pixels = smaller(image, 2**level) if level else image
        instance = _instance(pixels, series, level, mpp * 2**level)
        instance.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def write_other(path: Path, sop_class: str = REPORT) -> Path:
    """Write a DICOM file without pixels."""
    path.parent.mkdir(exist_ok=True, parents=True)
    _empty(sop_class, "other", 0).save_as(path, enforce_file_format=True)
    return path


def _empty(sop_class: str, series: str, level: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class  # type: ignore[assignment]
    meta.MediaStorageSOPInstanceUID = uid(series, level)  # type: ignore[assignment]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID, data.StudyInstanceUID = uid(series), uid("study")
    data.FrameOfReferenceUID = uid("frame", series)
    return data


def _instance(pixels: Pixels, series: str, level: int, mpp: float) -> FileDataset:
    data = _empty(WHOLE_SLIDE, series, level)
    height, width = pixels.shape[:2]
    down, across = -(-height // EDGE), -(-width // EDGE)
    whole = np.full((down * EDGE, across * EDGE, 3), 255, np.uint8)
    whole[:height, :width] = pixels
    frames = whole.reshape(down, EDGE, across, EDGE, 3).swapaxes(1, 2)
    kind = "RESAMPLED" if level else "NONE"
    data.ImageType = ["DERIVED" if level else "ORIGINAL", "PRIMARY", "VOLUME", kind]
    data.Modality, data.DimensionOrganizationType = "SM", "TILED_FULL"
    data.Rows = data.Columns = EDGE
    data.TotalPixelMatrixColumns, data.TotalPixelMatrixRows = width, height
    data.TotalPixelMatrixFocalPlanes = data.NumberOfOpticalPaths = 1
    data.NumberOfFrames = down * across
    data.SamplesPerPixel, data.PhotometricInterpretation = 3, "RGB"
    data.PlanarConfiguration = data.PixelRepresentation = 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit = 7
    measures, groups = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [mpp / 1000, mpp / 1000], 0.001
    groups.PixelMeasuresSequence = Sequence([measures])
    data.SharedFunctionalGroupsSequence = Sequence([groups])
    data.PixelData = frames.tobytes()
    return data
