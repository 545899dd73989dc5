"""OME-XML that says in which encoding it was before it became text."""

import pytest

from msfusion_sdk.slides.readers.ome_xml import ome_spacing

BODY = '<OME><Image Name="Tumör"><Pixels PhysicalSizeX="0.25" PhysicalSizeY="0.5"/></Image></OME>'


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "UTF-16", "windows-1252"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\n"])
def test_the_spacing_does_not_depend_on_the_declared_encoding(encoding: str, before: str) -> None:
    xml = f'{before}<?xml version="1.0" encoding="{encoding}"?>\n{BODY}'
    assert ome_spacing(xml) == (0.25, 0.5)


def test_xml_without_a_declaration_is_read() -> None:
    assert ome_spacing(BODY) == (0.25, 0.5)


PICTURES = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:mine">
<Image><Pixels PhysicalSizeX="4" PhysicalSizeY="4"><TiffData {label}</Pixels></Image>
<Image><Pixels PhysicalSizeX="0.5" PhysicalSizeY="0.5"><TiffData {slide}</Pixels></Image></OME>"""


@pytest.mark.parametrize(
    ("label", "slide", "expected"),
    [
        ('IFD="1"/>', 'IFD="0"/>', 0.5),
        ('IFD="1"/>', "/>", 0.5),  # 0 where none is given
        ('IFD="0"/>', 'IFD="1"/>', 4.0),
        ('IFD="0"><UUID>urn:uuid:other</UUID></TiffData>',
         'IFD="0"><UUID>urn:uuid:mine</UUID></TiffData>', 0.5),
        ('IFD="7"/>', 'IFD="8"/>', 4.0),
    ],
)  # fmt: skip
def test_the_spacing_is_that_of_the_picture_in_the_first_directory(
    label: str, slide: str, expected: float
) -> None:
    assert ome_spacing(PICTURES.format(label=label, slide=slide)) == (expected, expected)
