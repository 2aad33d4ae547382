"""Arrays to plotly figures: no sampling, no files; also of use in a notebook.

>>> import numpy as np
>>> from gscli.figures import ternary
>>> ternary(np.array([[0.2, 0.3, 0.5]]), probs=[0.1, 0.3, 0.6]).data[0].type
'scatterternary'
"""

from gscli.figures.checks import check_panels
from gscli.figures.log_ratio import log_ratio_panels
from gscli.figures.marginals import histogram_panels, marginal_panels
from gscli.figures.panels import Panel
from gscli.figures.ternary import ternary, ternary_panels
from gscli.figures.tetrahedron import tetrahedron_panels

__all__ = [
    "Panel",
    "check_panels",
    "histogram_panels",
    "log_ratio_panels",
    "marginal_panels",
    "ternary",
    "ternary_panels",
    "tetrahedron_panels",
]
