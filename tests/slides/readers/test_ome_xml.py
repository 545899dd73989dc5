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
