"""Log lines for people and programs, without secrets."""

import json
import logging

import pytest

from msfusion_sdk.monitoring.log import JsonLines, PlainLines, listen, log, without_secrets


def record(message: str, **facts: object) -> logging.LogRecord:
    made = log.makeRecord("msfusion_sdk", logging.WARNING, "", 0, message, (), None)
    made.msfusion = facts
    return made


def test_a_line_for_people_has_time_level_and_message() -> None:
    text = PlainLines().format(record("S1 failed:\n[SlideCorrupt]"))
    assert text[2] == text[5] == ":"
    assert text[9:] == "warning: S1 failed: [SlideCorrupt]"


def test_a_line_for_programs_is_an_object_with_the_facts() -> None:
    row = json.loads(JsonLines().format(record("é failed", slide_id="é", event="slide")))
    assert (row["level"], row["message"], row["slide_id"]) == ("warning", "é failed", "é")


@pytest.mark.parametrize(
    "address",
    [
        "https://user:password@host/a.svs",
        "s3://AKIA:secret@bucket/a.svs",
        "https://host/a.svs?X-Amz-Credential=AKIA&X-Amz-Signature=secret",
    ],
)
def test_addresses_lose_their_secrets(address: str) -> None:
    text = PlainLines().format(record(f"cannot read {address}, tried 3 times"))
    assert not any(word in text for word in ("user", "password", "AKIA", "secret"))
    assert "a.svs" in text
    assert without_secrets("Is it there?, and at a?b=c") == "Is it there?, and at a"


def test_nothing_is_written_until_somebody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    log.warning("unheard")
    handler = listen("text", logging.INFO)
    try:
        log.info("heard")
        log.debug("too quiet")
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    assert capsys.readouterr().err.split()[1:] == ["heard"]
