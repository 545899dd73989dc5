import threading
from pathlib import Path

from msfusion_sdk.cohort.store.ledger import Ledger, SlideStatus
from msfusion_sdk.cohort.workers.work_hints import Claims


def failed(slide_id: str, reason: str = "why") -> SlideStatus:
    return SlideStatus(slide_id=slide_id, status="failed", code="SlideCorrupt", reason=reason)


def test_the_last_status_of_a_slide_counts_over_all_runs(tmp_path: Path) -> None:
    Ledger(tmp_path, "f").write(failed("a"))
    Ledger(tmp_path, "f").write(SlideStatus(slide_id="a", status="ok", n_patches=3))
    latest = Ledger(tmp_path, "f").latest()
    assert [(s.slide_id, s.status, s.n_patches) for s in latest.values()] == [("a", "ok", 3)]


def test_models_do_not_see_each_others_statuses(tmp_path: Path) -> None:
    Ledger(tmp_path, "f").write(failed("a"))
    assert Ledger(tmp_path, "g").latest() == {}


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "f")
    ledger.write(failed("a"))
    ledger.write(failed("b"))
    file = next(ledger.folder.glob("*.jsonl"))
    file.write_bytes(file.read_bytes()[:-20])
    assert list(ledger.latest()) == ["a"]


def test_many_runs_write_side_by_side(tmp_path: Path) -> None:
    def run(number: int) -> None:
        ledger = Ledger(tmp_path, "f")
        for slide in range(20):
            ledger.write(failed(f"{number}-{slide}", "x" * 5000))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Ledger(tmp_path, "f").latest()) == 100


def test_a_slide_is_claimed_by_one(tmp_path: Path) -> None:
    mine, others = Claims(tmp_path, "f"), Claims(tmp_path, "f")
    assert mine.take("a")
    assert mine.take("a"), "again, after a fault"
    assert not others.take("a")
    mine.release_all()
    assert others.take("a")
