"""plotly.js: its text, its place on the network, and JSON for it."""

import base64
import hashlib
import json
from typing import Any


def script() -> str:
    """Return plotly.js itself."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def source() -> str:
    """Return its address on the network."""
    from plotly.offline import get_plotlyjs_version

    return f"https://cdn.plot.ly/plotly-{get_plotlyjs_version()}.min.js"


def integrity() -> str:
    """Return the digest by which a browser knows that it got the same script."""
    digest = hashlib.sha256(script().encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def as_json(value: Any) -> str:
    """Return what can stand in a script: there, ``</`` would end it."""
    from plotly.utils import PlotlyJSONEncoder

    return json.dumps(value, cls=PlotlyJSONEncoder).replace("</", "<\\/")
