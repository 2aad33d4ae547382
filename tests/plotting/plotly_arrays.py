"""Arrays as plotly's dictionaries hold them."""

import base64
from typing import Any

import numpy as np
import numpy.typing as npt


def array(value: Any) -> npt.NDArray[Any]:
    """Return an array that may be packed in base64."""
    if not isinstance(value, dict):
        return np.asarray(value)
    flat = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
    shape = value.get("shape", "-1")
    return flat.reshape([int(size) for size in str(shape).split(",")])


def markers(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        t for t in figure["data"] if "category" in t.get("legendgroup", "") and not t["showlegend"]
    ]


def keys(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [t for t in figure["data"] if "category" in t.get("legendgroup", "") and t["showlegend"]]
