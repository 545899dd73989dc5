"""DICOM bulk annotations: polygons and rectangles become outlines, the rest is counted."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from msfusion_sdk.errors import AnnotationError
from msfusion_sdk.slides.annotations import read_annotations

BULK = "1.2.840.10008.5.1.4.1.1.91.1"
TRIANGLE = [(10, 20), (110, 20), (60, 90)]
PENTAGON = [(200, 200), (300, 200), (320, 260), (250, 320), (190, 260)]
SQUARE = [(500, 500), (600, 500), (600, 600), (500, 600)]


def group(kind: str, shapes: list[list[tuple[int, int]]], name: str, *, double: bool) -> Dataset:
    data, code = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99X", name
    data.AnnotationPropertyTypeCodeSequence = Sequence([code])
    data.GraphicType, data.NumberOfAnnotations = kind, len(shapes)
    data.AnnotationGroupLabel = f"all {name}"
    points = np.array([point for shape in shapes for point in shape])
    if double:
        data.DoublePointCoordinatesData = points.astype("<f8").tobytes()
    else:
        data.PointCoordinatesData = points.astype("<f4").tobytes()
    starts = np.cumsum([0, *(2 * len(shape) for shape in shapes[:-1])]) + 1
    data.LongPrimitivePointIndexList = starts.astype("<u4").tobytes()
    return data


def write(path: Path, *groups: Dataset, sop_class: str = BULK, kind: str = "2D") -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = UID(sop_class), ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    data.AnnotationCoordinateType = kind
    data.AnnotationGroupSequence = Sequence(groups)
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("double", [False, True])
def test_polygons_and_rectangles_are_outlines(double: bool, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.dcm",
        group("POLYGON", [TRIANGLE, PENTAGON], "tumour", double=double),
        group("RECTANGLE", [SQUARE], "stroma", double=double),
        group("POINT", [[(5, 5)], [(6, 6)]], "nucleus", double=double),
    )
    found = read_annotations(path)
    assert found.class_counts() == {"tumour": 2, "stroma": 1}
    assert dict(found.ignored) == {"point": 2}
    areas = [region.polygon.area for region in found.polygons]
    # By hand: half base times height; shoelace; edge squared.
    assert areas == pytest.approx([3500.0, 10_800.0, 10_000.0])
    assert found.polygons[0].polygon.bounds == (10, 20, 110, 90)


def test_millimetres_are_refused_and_not_taken_for_pixels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", group("POLYGON", [TRIANGLE], "x", double=True), kind="3D")
    with pytest.raises(AnnotationError, match="millimetres"):
        read_annotations(path)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_file_cut_short_is_refused(share: float, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", group("POLYGON", [TRIANGLE, PENTAGON], "x", double=True))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(AnnotationError):
        read_annotations(path)


def test_another_dicom_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="without microscopy bulk"):
        read_annotations(write(tmp_path / "a.dcm", sop_class="1.2.840.10008.5.1.4.1.1.88.33"))


def test_the_points_of_highdicom_are_counted(shared: Path) -> None:
    folder = shared / "data" / "annotations" / "dicom"
    assert dict(read_annotations(folder / "highdicom_sm_annotations.dcm").ignored) == {"point": 2}
