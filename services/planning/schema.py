"""The published JSON Schema of a brief (`cueworks brief schema`), made from the model that reads briefs."""

from typing import Any

from services.planning.brief import Brief

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, every field described. It says what one key may be; what concerns several keys at
    once (relations in a circle, placeholders without an axis, ...) only `cueworks brief check` says."""
    return {"$schema": DIALECT, **Brief.model_json_schema(), "title": "Cueworks brief"}
