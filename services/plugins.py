"""Strategies and market sources are found by name: a module of ours, or a class of somebody else's."""

import pkgutil
import sys
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Any


class UnknownPlugin(Exception):
    """There is nothing of this name; the text says what there is and what comes nearest."""


def find(package: ModuleType, name: str, attribute: str, *, path: str = "") -> Any:
    """Find *name*: *attribute* of the module called so in *package*, or `module:Class` wherever Python finds it.

    The directory *path* is searched last, so that nothing in it hides what our own code imports. Raises UnknownPlugin.
    """
    if path and path not in sys.path:
        sys.path.append(path)
    known = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "port")
    if ":" in name:
        module_name, _, attribute = name.partition(":")
    elif name in known:
        module_name = f"{package.__name__}.{name}"
    else:
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UnknownPlugin(f"there are {', '.join(known)}, or package.module:Class{hint}")
    try:
        return getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownPlugin(str(error)) from error
    except (Exception, SystemExit) as error:  # somebody's module may do anything
        raise UnknownPlugin(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from error
