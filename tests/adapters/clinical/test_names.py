"""Names that give a column away: the outcome, and the place of treatment."""

import pytest

from msfusion_adapters.clinical.names import is_after_baseline, is_site


@pytest.mark.parametrize(
    "name",
    ["OS", "OS.time", "os_censorship", "dss_survival_days", "vital_status", "Vital Status",
     "days_to_death", "days_to_last_followup", "last_contact_days_to", "new_tumor_event_type",
     "treatment_outcome_first_course", "residual_tumor", "tumor_status", "event", "time",
     "time_months", "person_neoplasm_cancer_status", "progression", "VitalStatus", "daysToDeath",
     "OSTime", "daysToLastFollowUp", "fustat", "futime", "cens", "last_fu", "chemotherapy",
     "overall_time", "TimeInDays", "survtime", "SurvStat", "deathdate", "FUtime", "VITALSTATUS",
     "dthdt", "LTFU", "Überlebenszeit", "ueberleben", "Todesursache", "verstorben",
     "Nachbeobachtung_Tage", "rezidivfrei", "durée_survie", "décès", "delaiSuivi", "récidive",
     "statut_vital", "supervivencia", "sopravvivenza", "overleving", "óbito"],
)  # fmt: skip
def test_names_of_what_is_known_too_late_are_known(name: str) -> None:
    assert is_after_baseline(name)


@pytest.mark.parametrize(
    "name",
    ["age", "sex", "stage", "er_status", "menopause_status", "time_to_diagnosis", "bmi",
     "smoking_history", "race", "days_to_birth", "grade", "performance_status", "centimeters",
     "tumor_size_centimeters", "sometimes", "prothrombin_time", "CosmicId", "eventful",
     "vital_capacity", "VitalSigns", "residual_kidney_function", "family_history_of_death",
     "tumor_width", "er_pos_status", "prostate_volume", "mortar", "Übergewicht",
     "mortality_risk_score", "osteoporosis", "survivin_expression", "bcr_patient_barcode"],
)  # fmt: skip
def test_names_of_what_is_known_at_diagnosis_are_not(name: str) -> None:
    assert not is_after_baseline(name)


@pytest.mark.parametrize(
    "name",
    ["hospital", "tissue_source_site", "TSS", "site_id", "SiteCode", "treating_center", "centre",
     "Institution", "scanner", "study_site", "Krankenhaus", "Klinikum", "Prüfzentrum", "hôpital",
     "facility_id", "SEER_registry"],
)  # fmt: skip
def test_names_of_places_are_known(name: str) -> None:
    assert is_site(name)


@pytest.mark.parametrize(
    "name",
    ["site_of_resection_or_biopsy", "primary_site", "OncoTreeSiteCode", "icd_o_3_site_code",
     "metastatic_site", "tumor_center", "percentage", "situation", "site",
     "percent_center", "concentration", "centerline"],
)  # fmt: skip
def test_names_of_places_in_the_body_are_not(name: str) -> None:
    assert not is_site(name)
