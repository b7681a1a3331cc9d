"""The JSON Schemas that are shipped."""

from reconciler.definitions.schema import schema_text

__all__ = ["schema_text"]
