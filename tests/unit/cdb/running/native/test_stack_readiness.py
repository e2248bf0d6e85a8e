"""When a stack that starts is given up, and which part is to blame."""

from cdb.running.native import ALL_PARTS, Health, PartStatus
from cdb.running.native.probes import failing_checks
from cdb.running.native.readiness import RestartWatch, blame, final_reason

READY = Health(ok=True)
NOT_READY = Health(ok=False, detail="Exited too quickly")


def a_part(name: str = "cdb_ws", *, state: str = "running", health: Health = NOT_READY, pid: int = 1) -> PartStatus:
    return PartStatus(name, state=state, health=health, pid=pid)


def test_a_part_that_waits_is_not_given_up() -> None:
    watch = RestartWatch()
    assert all(watch.gave_up((a_part(),)) is None for _ in range(100))


def test_a_part_that_exits_again_and_again_is_given_up() -> None:
    watch = RestartWatch()
    seen = [watch.gave_up((a_part(state="starting", pid=pid),)) for pid in (1, 2, 3)]
    assert seen[:2] == [None, None]
    assert seen[2] is not None
    assert seen[2].name == "cdb_ws"
    assert final_reason(seen[2], "") == "keeps exiting: Exited too quickly"
    assert final_reason(seen[2], "MAX_POSITION_PCT is 5") == "keeps exiting: MAX_POSITION_PCT is 5"


def test_a_one_shot_that_failed_is_given_up_at_once() -> None:
    failed = a_part("migrate", state="exited", health=Health(ok=False, detail="exit 1"))
    assert RestartWatch().gave_up((failed,)) == failed
    assert final_reason(failed, "") == "exit 1"
    assert final_reason(failed, "the schema is newer") == "exit 1: the schema is newer"


def test_a_part_that_was_restarted_and_is_ready_now_is_fine() -> None:
    watch = RestartWatch()
    assert all(watch.gave_up((a_part(health=READY, pid=pid),)) is None for pid in range(10))


def test_the_part_that_the_others_wait_for_is_to_blame() -> None:
    waiting = tuple(a_part(part.name) for part in ALL_PARTS if part.name != "redis")
    assert blame((a_part("redis", health=READY), *waiting), ALL_PARTS).name == "postgres"


def test_the_failing_checks_of_a_health_body_are_named() -> None:
    body = b'{"status": "error", "checks": {"loop": "ok", "redis": "no answer for 4 s"}}'
    assert failing_checks(body) == "redis: no answer for 4 s"


def test_a_health_body_that_cannot_be_read_says_nothing() -> None:
    assert [failing_checks(body) for body in (b"", b"[]", b"<html>", b'{"checks": 1}')] == [""] * 4
