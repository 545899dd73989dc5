"""Arguments that a method names one by one are those of the settings it makes of them."""

import dataclasses
import inspect

from msfusion_sdk import Cohort, SlideEncoder
from msfusion_sdk.cohort.workers.settings import RunSettings
from msfusion_sdk.config import EncoderConfig
from msfusion_sdk.encoder.sources.assembling import Assembly


def test_encode_names_the_settings_of_a_run() -> None:
    wanted = {name: field.default for name, field in RunSettings.model_fields.items()}
    given = _defaults(Cohort.encode)
    assert {name: given.get(name) for name in wanted} == wanted
    assert set(given) - set(wanted) == {"preset", "mpp", "progress"}


def test_from_networks_names_what_is_assembled() -> None:
    wanted = {field.name: field.default for field in dataclasses.fields(Assembly)}
    given = _defaults(SlideEncoder.from_networks)
    assert {name: given.get(name) for name in wanted} == wanted


def test_updated_names_every_section() -> None:
    fields = EncoderConfig.model_fields.items()
    sections = {name for name, field in fields if "Config" in str(field.annotation)}
    assert set(_defaults(EncoderConfig.updated)) == sections


def _defaults(method: object) -> dict[str, object]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
