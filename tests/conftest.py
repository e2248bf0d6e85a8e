"""The spans that a test leads to, wherever it is."""

from tests.spans import provider, spans

__all__ = ["provider", "spans"]
