"""Refuse names that look like a setting of ours and are none, with the nearest right one."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from cdb.running.errors import StackError
from cdb.running.native import known_settings

_OURS: Final = "CDB_"
_SHARED_FAMILIES: Final = frozenset({"GRAFANA", "MEXC", "POSTGRES", "REDIS"})
"""First words of our settings that other programs use for theirs, too."""
_OF_COMPOSE: Final = ("COMPOSE_", "DOCKER_", "BUILDKIT_", "BUILDX_")
_NEAR: Final = 0.8
_NEAR_IN_ITS_FAMILY: Final = 0.6
_NEAR_IN_ANOTHER_FAMILY: Final = 0.9


def refuse_unknown(env_file: Mapping[str, str], environ: Mapping[str, str], root: Path) -> None:
    """Raise StackError naming what in .env or the environment must be meant for us and is no setting.

    What else stands in .env is nobody's: see `unread`.
    """
    chosen = {**env_file, **environ}
    settings, names = known_settings.settings(chosen, root), known_settings.names(chosen, root)
    problems = [_in_env_file(name, settings) for name in env_file if name not in settings]
    problems += [_in_environment(name, names) for name in environ if name not in names]
    if any(problems):
        raise StackError("; ".join(filter(None, problems)))


def unread(env_file: Mapping[str, str], root: Path) -> list[str]:
    """Say of each name in .env that is neither a setting nor Compose's own that nobody reads it."""
    known = known_settings.settings(env_file, root)
    names = [name for name in sorted(env_file) if name not in known and not name.startswith(_OF_COMPOSE)]
    return [_in_env_file(name, known) or f"{name} in .env is not a setting and has no effect" for name in names]


def refuse_in_options(
    option: str, names: Collection[str], *, allowed: Collection[str], taken: Collection[str], every: Collection[str]
) -> None:
    """Raise StackError for each name of a replay's *option* that is not *allowed*; it sets those *taken* itself."""
    problems = []
    for name in names:
        if name in taken:
            problems.append(f"{option} {name} is refused: a replay sets it itself")
        elif name not in allowed:
            known = name in every
            problems.append(
                f"{option} {name} is refused: it has no effect on a replay"
                if known
                else _unknown(name, option, nearest(name, allowed))
            )
    if problems:
        raise StackError("; ".join(problems))


def nearest(name: str, known: Collection[str]) -> str:
    """The setting that *name* was probably meant to be, or ''."""
    name = name.upper()
    if f"{_OURS}{name}" in known:
        return f"{_OURS}{name}"
    family = [one for one in sorted(known) if _family(one) == _family(name) not in _SHARED_FAMILIES]
    close = get_close_matches(name, sorted(known), n=1, cutoff=_NEAR)
    return (close or get_close_matches(name, family, n=1, cutoff=_NEAR_IN_ITS_FAMILY) or [""])[0]


def _in_environment(name: str, known: Collection[str]) -> str:
    """What is wrong with *name*, if it begins as ours do or resembles a setting whose first word nobody else uses."""
    near = _near_in_environment(name.upper(), known)
    return _unknown(name, "the environment", near) if near or name.startswith(_OURS) else ""


def _near_in_environment(name: str, known: Collection[str]) -> str:
    own = [one for one in sorted(known) if _family(one) not in _SHARED_FAMILIES]
    family = [one for one in own if _family(one) == _family(name)]
    others = [one for one in own if not one.startswith(_OURS)]
    cutoff = _NEAR_IN_ITS_FAMILY if name.startswith(_OURS) else _NEAR
    close = get_close_matches(name, family, n=1, cutoff=cutoff)
    return (close or get_close_matches(name, others, n=1, cutoff=_NEAR_IN_ANOTHER_FAMILY) or [""])[0]


def _in_env_file(name: str, known: Collection[str]) -> str:
    if name in known_settings.OF_THE_ENVIRONMENT:
        return f"{name} has no effect in .env: set it in the environment"
    if name in known_settings.OF_A_REPLAY | known_settings.OF_THE_STACK:
        return f"{name} has no effect in .env: it is not a setting, so remove the line"
    if name.startswith(_OF_COMPOSE):
        return ""
    near = nearest(name, known)
    return _unknown(name, ".env", near) if near or name.upper().startswith(_OURS) else ""


def _unknown(name: str, where: str, near: str) -> str:
    hint = f"did you mean {near}?" if near else "deploy/env.template lists all"
    return f"{name} in {where} is not a setting: {hint}"


def _family(name: str) -> str:
    return name.split("_", 1)[0]
