"""What operators did."""

from typing import Final

from flask import Flask, render_template

from console.ground import Ground
from services.actions import Recorded
from services.ledger.actions import newest_actions

MOST: Final = 200


def add(app: Flask, ground: Ground) -> None:
    """Answer /actions."""

    @app.get("/actions")
    def actions() -> str:
        def read() -> list[Recorded]:
            with ground.ledger.moment() as rows:
                return newest_actions(rows, MOST)

        found = ground.knowledge.of("actions of operators", read, for_s=2)
        return render_template("actions.html", refresh=5, found=found, most=MOST)
