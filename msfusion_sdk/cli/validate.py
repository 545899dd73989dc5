"""``msfusion validate``: judge a trained model on patients of elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from msfusion_sdk.cli.shared.console import known_words, out, tell, told_warnings, typed
from msfusion_sdk.cli.shared.encoding_options import Json

__all__ = ["validate"]


def validate(
    model: Annotated[Path, typer.Argument(help="A folder that msfusion train wrote.")],
    folder: Annotated[
        Path, typer.Argument(metavar="COHORT", help="A cohort of patients it never saw.")
    ],
    outcome: Annotated[
        str | None, typer.Option(help="The cohort's name of it; that of training by default.")
    ] = None,
    times: Annotated[
        list[float] | None, typer.Option(help="Horizons of survival, in the unit of training.")
    ] = None,
    subgroups: Annotated[
        list[str] | None,
        typer.Option(help="Columns of the patient table or MODALITY.COLUMN: sex, clinical.age."),
    ] = None,
    recalibrate: Annotated[
        Path | None, typer.Option(help="New folder for the model, recalibrated on these patients.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for page, numbers, predictions and figures."),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples of patients, for the intervals; 0 gives none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Equal ones give equal intervals.")] = 0,
    json: Json = False,
) -> None:
    """Judge a trained model on patients of elsewhere: discrimination, calibration, net benefit.

    Also who lacks what, which inputs are unlike training, and groups with counts.
    """
    from msfusion_sdk.cohort.cohort import Cohort
    from msfusion_sdk.files import require_free
    from msfusion_sdk.study.trained_model import TrainedModel
    from msfusion_sdk.validation.markdown import validation_page
    from msfusion_sdk.validation.recalibrate import recalibrate_model
    from msfusion_sdk.validation.record import VALIDATION, write_validation
    from msfusion_sdk.validation.validate import validate_model

    cohort = Cohort.open(folder)
    if results is not None:
        require_free(results, VALIDATION, None)
    with known_words(), told_warnings():
        trained = TrainedModel.load(model)
        found = validate_model(
            trained,
            cohort,
            outcome=outcome,
            times=times,
            subgroups=subgroups or (),
            bootstrap=bootstrap,
            random_state=seed,
        )
        if recalibrate is not None:
            recalibrate_model(trained, cohort, recalibrate, outcome=outcome)
    if json:
        typer.echo(found.performance.to_json(orient="records", lines=True).rstrip())
    else:
        out.print(validation_page(found), markup=False, soft_wrap=True)
    if results is not None:
        stored = "" if recalibrate is None else str(recalibrate)
        write_validation(found, results, command=typed(), recalibrated=stored)
        tell(f"Results are in {results}.")
    if recalibrate is not None:
        text = f"{recalibrate} is recalibrated; judge it on patients who are not in {folder}."
        tell(text)
