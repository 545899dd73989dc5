"""What is wrong with ids is found, counted and shown; nothing is repaired."""

import pytest

from msfusion_sdk.errors import DuplicateIdError, IdMismatchError, IdTypeError, TableError
from msfusion_sdk.tables.ids import find_bad_ids, find_repeated_ids, find_unknown_ids
from msfusion_sdk.tables.issues import Issue, require_no_errors
from msfusion_sdk.tables.near_matches import near_matches


def only(findings: list[Issue]) -> Issue:
    (finding,) = findings
    return finding


def test_good_ids_give_no_findings() -> None:
    ids = ["0012", "NA", "ä", "a b", "P-1/2"]
    assert (
        find_bad_ids(ids, "ids")
        + find_repeated_ids(ids, "ids")
        + find_unknown_ids(ids, ids, "", "")
        == []
    )


def test_blank_ids_are_counted_with_their_rows() -> None:
    finding = only(find_bad_ids(["a", "", None, "b", " \t", ""], "patient ids"))
    assert (finding.code, finding.count) == ("IdType", 4)
    assert "rows 2, 3, 5, …" in finding.message


@pytest.mark.parametrize("hidden", ["a\tb", "a\n", "a\0", "a\u200b", "\ufeffa", "a\u2028", "a\x85"])
def test_characters_that_do_not_show_are_refused(hidden: str) -> None:
    finding = only(find_bad_ids(["good", hidden], "patient ids"))
    assert (finding.code, finding.count) == ("IdType", 1)
    assert repr(hidden) in finding.message


def test_ids_longer_than_200_bytes_are_refused_and_those_of_200_are_not() -> None:
    assert find_bad_ids(["x" * 200, "é" * 100], "ids") == []
    assert only(find_bad_ids(["x" * 201, "é" * 101], "ids")).count == 2


def test_ids_that_differ_only_by_case_are_refused() -> None:
    finding = only(find_bad_ids(["S1", "s1", "S2", "STRASSE", "straße"], "slide ids"))
    assert (finding.code, finding.count) == ("DuplicateId", 2)
    assert "'S1', 's1'" in finding.message


def test_duplicates_are_counted_and_the_way_out_is_named() -> None:
    finding = only(find_repeated_ids(["a", "b", "a", "a", "c", "c"], "patient ids", identical=1))
    assert (finding.code, finding.count) == ("DuplicateId", 2)
    assert "'a' 3 times, 'c' 2 times" in finding.message
    assert "drop_identical" in finding.message


def test_rows_that_are_all_identical_need_no_ids_of_their_own() -> None:
    places = ["/a/S1.svs", "/a/S1.svs"]
    finding = only(find_repeated_ids(["S1", "S1"], "slide ids", identical=1, places=places))
    assert "--on-duplicate drop_identical" in finding.message
    assert "an id of its own" not in finding.message


def test_a_slide_id_from_two_folders_is_shown_with_both_paths() -> None:
    finding = only(find_repeated_ids(["S1", "S1"], "slide ids", places=["/a/S1.svs", "/b/S1.svs"]))
    assert "'/a/S1.svs', '/b/S1.svs'" in finding.message


@pytest.mark.parametrize(
    ("written", "known", "words"),
    [
        (" P2 ", "P2", "spaces"),
        ("p2", "P2", "case"),
        ("0012", "12", "leading zeros"),
        ("P-7", "P-007", "leading zeros"),
        ("12.0", "12", "'.0'"),
        ("TCGA-05-4244-01Z-00-DX1", "TCGA-05-4244", "TCGA"),
        ("e\u0301", "\u00e9", "accents"),
    ],
)
def test_the_likely_reason_of_a_mismatch_is_suggested(written: str, known: str, words: str) -> None:
    finding = only(find_unknown_ids([written, "K"], [known, "K"], "ids", "the cohort"))
    assert words in finding.message
    assert f"{written!r} may be {known!r}" in finding.message


def test_a_prefix_that_all_ids_of_a_table_share_is_suggested() -> None:
    sentences = near_matches(["case_10", "case_11"], ["10", "11", "12"])
    assert sentences == [
        "2 would match if a prefix that all ids of a table share were removed ('case_10' may be "
        "'10')"
    ]


def test_several_differences_at_once_are_suggested_only_where_one_is_not_enough() -> None:
    assert "several" in near_matches([" p007"], ["P7"])[0]
    assert "several" not in " ".join(near_matches(["p7"], ["P7"]))


def test_ids_that_mean_something_else_get_no_suggestion() -> None:
    assert near_matches(["X1", "Y2"], ["P1", "Q2"]) == []


def test_four_spellings_of_which_one_matches_are_all_reported() -> None:
    finding = only(
        find_unknown_ids(["P1", "p2", "P3 ", "P04"], ["P1", "P2", "P3", "P4"], "ids", "it")
    )
    assert (finding.code, finding.count) == ("IdMismatch", 3)
    assert "3 of 4" in finding.message
    assert finding.message.count("1 would match") == 3


def test_a_table_of_which_nothing_matches_says_so_with_an_id_of_each_side() -> None:
    finding = only(find_unknown_ids(["a", "b"], ["1", "2"], "ids", "the cohort"))
    assert "All 2 ids are not in the cohort (first: 'a', 'b'; there the first is '1'" in (
        finding.message
    )


def test_an_id_that_occurs_in_many_rows_counts_once() -> None:
    assert only(find_unknown_ids(["x", "x", "K"], ["K"], "ids", "it")).count == 1


def problem(code: str, message: str = "m", *, is_error: bool = True) -> Issue:
    return Issue.model_validate(
        {"code": code, "message": message, "count": 1, "is_error": is_error}
    )


def test_all_errors_are_raised_as_one_of_the_worst_class() -> None:
    found = [problem("IdType", "blank"), problem("DuplicateId", "twice"), problem("Table", "mpp")]
    with pytest.raises(DuplicateIdError) as caught:
        require_no_errors(found)
    assert [line[5:] for line in str(caught.value).splitlines()[1:]] == ["blank", "twice", "mpp"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("IdMismatch", IdMismatchError), ("IdType", IdTypeError), ("Table", TableError)],
)
def test_a_single_error_is_raised_with_its_own_message(code: str, kind: type[TableError]) -> None:
    with pytest.raises(kind, match=r"^why$") as caught:
        require_no_errors([problem(code, "why"), problem("DuplicateId", is_error=False)])
    assert type(caught.value) is kind


def test_remarks_alone_raise_nothing() -> None:
    require_no_errors([problem("DuplicateId", is_error=False)])
