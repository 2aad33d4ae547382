"""Figures in notebooks: drawn there, and still seen where the notebook is converted."""

import base64
import hashlib
import html
import json
from typing import Any

import plotly.graph_objects as go

from gscli.errors import BrowserNotFoundError, ExportError
from gscli.plotting.plotlyjs import as_json, integrity, source
from gscli.plotting.titles import plain_title

PLOTLY_MIME = "application/vnd.plotly.v1+json"


class Figure(go.Figure):  # type: ignore[misc]
    """A plotly figure that nbconvert keeps.

    plotly's own output is of a type that only live notebooks know. Beside it stand a PNG, where
    there is a browser to make it, and HTML that shows this picture until plotly.js is loaded.
    """

    def _repr_mimebundle_(self, *args: Any, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(*args, **options)
        if PLOTLY_MIME not in bundle:  # no notebook, or a renderer that the user chose
            return bundle
        picture = self._png()
        if picture:
            bundle["image/png"] = picture
        return {"text/html": self._fragment(picture), **bundle}

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        if PLOTLY_MIME not in bundle:
            super()._ipython_display_()
            return
        from IPython.display import display

        display(bundle, raw=True)

    def _png(self) -> str:
        """Return a picture in base64, or nothing where no browser can make it."""
        from gscli.plotting.browser import Image, find_browser, render

        size = int(self.layout.width), int(self.layout.height)
        try:
            (content,) = render([Image(self.to_dict(), "png", *size, 2.0)], find_browser())
        except (BrowserNotFoundError, ExportError):
            return ""
        return base64.b64encode(content).decode()

    def _fragment(self, picture: str) -> str:
        figure = self.to_dict()
        drawn = as_json(figure)
        name = f"gscli-{hashlib.sha256(drawn.encode()).hexdigest()[:12]}"
        title = html.escape(plain_title(figure["layout"]))
        image = f'<img alt="{title}" width="{figure["layout"]["width"]:.0f}" src="data:image/png;'
        image = f'{image}base64,{picture}">' if picture else ""
        return f"""<div id="{name}">{image}</div>
<script>
(() => {{
  const figure = {drawn};
  const place = document.getElementById("{name}");
  // Where require.js is, plotly.js would hand itself to it, and to nobody else.
  const define = window.define;
  window.gscliPlotly ??= window.Plotly ? Promise.resolve() : new Promise((resolve) => {{
    window.define = undefined;
    const script = document.createElement("script");
    const settings = {{ src: "{source()}", integrity: "{integrity()}", crossOrigin: "anonymous" }};
    Object.assign(script, settings, {{
      onload: () => {{ window.define = define; resolve(); }},
      onerror: () => {{ window.define = define; }},
    }});
    document.head.append(script);
  }});
  window.gscliPlotly.then(() => {{
    place.replaceChildren();
    Plotly.newPlot(place, figure.data, figure.layout, {json.dumps({"displaylogo": False})});
  }});
}})();
</script>"""
