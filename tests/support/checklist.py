"""What tests ask of `cdb doctor`, whichever way the stack runs."""

import json
import subprocess
from collections.abc import Set
from dataclasses import replace
from functools import partial

from cdb.doctor import alerting
from cdb.doctor.checks import CHECKS
from cdb.doctor.findings import Finding, Verdict
from cdb.doctor.run import examine
from cdb.running.base import RunningStack


def assert_ready(result: "subprocess.CompletedProcess[str]", *, stack: str, exceptions: Set[str]) -> None:
    """Fail unless `cdb doctor --json` has looked at everything, nothing fails, and only *exceptions* warn."""
    report = json.loads(result.stdout)
    verdicts = {item["name"]: item["verdict"] for item in report["items"]}
    assert [*verdicts] == [check.name for check in CHECKS]
    assert "fail" not in verdicts.values(), report
    assert {name for name, verdict in verdicts.items() if verdict == "warn"} <= exceptions, report
    assert (result.returncode, report["ready"], report["stack"]) == (0, True, stack)


def verdicts(stack: RunningStack, *names: str) -> dict[str, Finding]:
    """What the items called *names* find; a notification gets two seconds only."""
    quick = {"notification": partial(alerting.notification, within_s=2.0)}
    chosen = [replace(check, look=quick.get(check.name, check.look)) for check in CHECKS if check.name in names]
    return {check.name: finding for check, finding in examine(stack, checks=chosen)}


def failed(finding: Finding) -> str:
    """What a finding says that must be a failure with advice."""
    assert finding.verdict is Verdict.FAIL, finding
    assert finding.advice
    return finding.found
