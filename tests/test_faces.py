"""What each room shows: a name that is added or lost is a decision, made here."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

FACES = {
    "msfusion_sdk": [
        "Cohort",
        "EncoderConfig",
        "FusionClassifier",
        "FusionRegressor",
        "FusionSurvival",
        "SlideClassifier",
        "SlideEmbedding",
        "SlideEncoder",
        "evaluate",
        "list_adapters",
        "open_slide",
    ],
    "msfusion_sdk.bags": [
        "Bag",
        "HEADS",
        "LearnedAttention",
        "SlidePatches",
        "attention_weights",
        "bag_table",
        "gated_logits",
        "pooled",
    ],
    "msfusion_sdk.cohort": [
        "Cohort",
        "CohortStatus",
        "EncodingRun",
        "ExportReport",
        "OutcomeWarning",
        "PseudonymKeyWarning",
        "RunProgress",
        "RunSettings",
        "SlideStatus",
    ],
    "msfusion_sdk.demo": ["run_cohort_demo", "run_demo"],
    "msfusion_sdk.deployment": [
        "Applied",
        "apply_to_cohort",
        "apply_to_file",
        "apply_to_slides",
        "write_heat_maps",
    ],
    "msfusion_sdk.doctor": ["Finding", "Report", "examine", "examine_cohort"],
    "msfusion_sdk.encoder": [
        "AttendedNetwork",
        "BadRegion",
        "FeatureMaps",
        "FeatureNetwork",
        "KnownNetwork",
        "Licence",
        "NetworkFacts",
        "NetworkSpec",
        "Provenance",
        "SlideEmbedding",
        "SlideEncoder",
        "UnpinnedWeightsWarning",
        "WeightsFacts",
        "embedded_models",
        "known_networks",
        "list_networks",
        "relative_weights",
        "tile_weights",
    ],
    "msfusion_sdk.evaluation": [
        "Evaluation",
        "Fold",
        "Interval",
        "Search",
        "Searched",
        "Split",
        "cross_val_score",
        "draw_patients",
        "evaluate",
        "expected_calibration_error",
        "fold_counts",
        "interval_of",
        "make_folds",
        "search",
        "split_hash",
        "split_tables",
    ],
    "msfusion_sdk.figures": [
        "draw_calibration",
        "draw_completeness",
        "draw_contact_sheet",
        "draw_contributions",
        "draw_forest",
        "draw_outlines",
        "draw_overlay",
        "draw_precision_recall",
        "draw_risk_groups",
        "draw_roc",
        "write_figures",
        "write_outlines",
        "write_overlay",
    ],
    "msfusion_sdk.fusion": [
        "BASES",
        "FusionClassifier",
        "FusionEstimator",
        "FusionRegressor",
        "FusionSurvival",
        "STRATEGIES",
    ],
    "msfusion_sdk.inspect": [
        "AnnotationDescription",
        "SlideDescription",
        "SlideResult",
        "describe_annotations",
        "describe_slide",
        "encode_to_folder",
    ],
    "msfusion_sdk.outcomes": [
        "ClassOutcome",
        "LongTimeWarning",
        "NumberOutcome",
        "Outcome",
        "SurvivalOutcome",
        "ZeroTimeWarning",
        "read_outcome",
    ],
    "msfusion_sdk.pretraining": [
        "AugmentConfig",
        "CheckpointWarning",
        "DatasetConfig",
        "FineTuneConfig",
        "TrainConfig",
        "pretrain_labels",
        "pretrain_slides",
        "pretrain_tiles",
        "read_tile_index",
        "score_model",
    ],
    "msfusion_sdk.report": ["write_report"],
    "msfusion_sdk.shift": [
        "Shift",
        "find_shifts",
        "profile_tables",
        "read_profile",
        "write_profile",
    ],
    "msfusion_sdk.slides": [
        "Overview",
        "PatchGrid",
        "PatchPixels",
        "PatchPlan",
        "Region",
        "Slide",
        "SlideHeader",
        "Survey",
        "TissueMask",
        "find_tissue",
        "open_slide",
        "read_overview",
        "read_patch",
        "survey_slide",
    ],
    "msfusion_sdk.study": [
        "EvaluationRecord",
        "Explanation",
        "FewOutcomesWarning",
        "SeenPatientsWarning",
        "SlideClassifier",
        "TrainedModel",
        "TrainingRecord",
        "evaluate_on_cohort",
        "explain_on_cohort",
        "predict_on_cohort",
        "predict_to_file",
        "train_on_cohort",
        "write_evaluation",
        "write_explanation",
    ],
    "msfusion_sdk.survival": [
        "BrierScore",
        "Calibration",
        "CensoringSurvival",
        "CoxFit",
        "CumulativeIncidence",
        "CurveWarning",
        "KaplanMeier",
        "LogRank",
        "TimeDependentAuc",
        "UnoConcordance",
        "brier_score",
        "calibration_at",
        "censoring_survival",
        "concordance_index",
        "concordance_uno",
        "cox_loss",
        "cox_score_test",
        "cumulative_incidence",
        "discrete_nll",
        "event_bins",
        "event_free_at",
        "fit_cox",
        "fit_cox_path",
        "kaplan_meier",
        "kaplan_meier_by_group",
        "log_rank",
        "time_dependent_auc",
    ],
    "msfusion_sdk.tables": [
        "CohortReport",
        "Issue",
        "TableFile",
        "TableWarning",
        "check_tables",
        "patient_table",
        "read_table",
        "select_columns",
    ],
    "msfusion_sdk.validation": [
        "ExternalValidation",
        "InTheLarge",
        "ValidationRecord",
        "classes_in_the_large",
        "decision_curve_of_classes",
        "decision_curve_of_survival",
        "draw_decision_curves",
        "draw_validation_calibration",
        "recalibrate_model",
        "survival_in_the_large",
        "validate_model",
        "write_validation",
    ],
    "msfusion_sdk.view": ["serve"],
}


@pytest.mark.parametrize("room", FACES)
def test_a_face_shows_exactly_its_names(room: str) -> None:
    assert sorted(import_module(room).__all__) == FACES[room]


@pytest.mark.parametrize(("room", "name"), [(r, n) for r, names in FACES.items() for n in names])
def test_every_name_is_there_and_documented(room: str, name: str) -> None:
    value = getattr(import_module(room), name)
    assert not inspect.ismodule(value)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)


def test_every_room_that_has_a_face_is_pinned() -> None:
    package = Path(import_module("msfusion_sdk").__file__ or "").parent
    stubs = {path.parent.relative_to(package.parent) for path in package.rglob("__init__.pyi")}
    assert {".".join(folder.parts) for folder in stubs} == set(FACES)


@pytest.mark.process
def test_importing_every_room_loads_no_torch() -> None:
    code = f"import sys, {', '.join(FACES)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
