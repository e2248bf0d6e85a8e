"""Act on the running stack as an operator, in the name of the user who runs the command."""

import os
import pwd

from cdb.kit.operators import OperatorClient
from cdb.running.base import RunningStack
from cdb.running.errors import StackError


def operator_client(stack: RunningStack, *, why: str) -> OperatorClient:
    """A client of the stack's cdb_risk. Raises StackError without a token."""
    address = stack.risk_address()
    token = address.operator_token.get_secret_value()
    if not token:
        raise StackError(
            "CDB_OPERATOR_TOKEN is not set: run `cdb env`, which writes it into .env, then restart the stack "
            f"({stack.how_to_restart})"
        )
    return OperatorClient(f"http://{address.host}:{address.port}", token, who=_user(), via="command", why=why)


def _user() -> str:
    """The system's name of who runs this, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
