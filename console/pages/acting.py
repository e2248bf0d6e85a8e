"""Acting: what a deed would do, in figures, and a button that does it. Only after a login, wherever one is."""

import re
import uuid
from typing import Any, Final

import structlog
from flask import Flask, abort, flash, redirect, render_template, request

from cdb.kit.errors import Away, Refused
from console.deeds import DEEDS, Asked
from console.ground import Ground

SUBJECTS: Final = {"flatten": "symbol", "resend": "id", "discard": "id", "silence": "fingerprint", "expire": "silence"}
"""The parameter that says what a deed is about."""
NEEDED: Final = frozenset({"silence", "expire"})
BACK: Final = {"resend": "/system", "discard": "/system", "silence": "/alerts", "expire": "/alerts"}
LONGEST_WHY: Final = 500
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID: Final = re.compile(r"[0-9a-f]{32}")
log = structlog.get_logger()


def add(app: Flask, ground: Ground) -> None:
    """Answer /act/WHAT: GET asks, POST acts."""

    @app.route("/act/<what>", methods=["GET", "POST"])
    def act(what: str) -> Any:
        if what not in DEEDS:
            abort(404, f"there is nothing called {what!r:.40} to do")
        asked = _asked(what)
        try:
            if request.method != "POST":
                details = DEEDS[what].preview(ground, asked)
                return _page(what, asked, details=details)
            said = DEEDS[what].do(ground, asked)
        except Refused as error:
            return _page(what, asked, problem=str(error)), 409
        except Away as error:
            return _page(what, asked, problem=str(error)), 503
        log.info("acted", what=what, subject=asked.subject, who=asked.who, why=asked.why)
        ground.knowledge.renew()
        flash(said)
        return redirect(BACK.get(what, "/"))


def _asked(what: str) -> Asked:
    given = request.form if request.method == "POST" else request.args
    subject = given.get(SUBJECTS.get(what, ""), "").strip()
    if subject and not _SUBJECT.fullmatch(subject):
        abort(400, f"{SUBJECTS[what]} must be letters, digits, - and _, 64 at most; got {subject!r:.80}")
    if not subject and what in NEEDED:
        abort(400, f"{SUBJECTS[what]} is missing")
    why = given.get("why", "").strip()
    if len(why) > LONGEST_WHY or not why.isprintable():
        abort(400, f"why must be at most {LONGEST_WHY} printable characters")
    action_id = given.get("id_of_action", "") if request.method == "POST" else uuid.uuid4().hex
    if not _ID.fullmatch(action_id):
        abort(400, "id_of_action must be the one of the form")
    return Asked(who=f"operator at {request.remote_addr}", why=why, action_id=action_id, subject=subject)


def _page(what: str, asked: Asked, **shown: Any) -> str:
    field = SUBJECTS.get(what, "")
    return render_template("act.html", what=what, asked=asked, field=field, back=BACK.get(what, "/"), **shown)
