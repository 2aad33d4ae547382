"""Check samplers written in PyTorch: its own, and two that are wrong.

Each sampler's rows go to a file, as those of any implementation could, and `gscli check` judges
the file. Run ``python examples/check_pytorch_sampler.py [FOLDER]``; it writes the files and
``check.html``, the picture of the last check. It needs PyTorch: ``pip install '.[bench]'``.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

try:
    import torch
except ImportError:
    sys.exit("This example needs PyTorch: pip install '.[bench]'")

TEMPERATURE = 0.5
PROBS = torch.tensor([0.1, 0.3, 0.6])
ROWS = 20_000


def by_torch() -> torch.Tensor:
    """Return samples of torch.distributions."""
    law = torch.distributions.RelaxedOneHotCategorical(torch.tensor(TEMPERATURE), probs=PROBS)
    return law.sample((ROWS,))


def probabilities_as_logits() -> torch.Tensor:
    """Return samples of a common slip: gumbel_softmax wants logits, not probabilities."""
    return torch.nn.functional.gumbel_softmax(PROBS.expand(ROWS, 3), tau=TEMPERATURE)


def multiplied_by_temperature() -> torch.Tensor:
    """Return samples of another: the temperature multiplies where it should divide."""
    uniforms = torch.rand(ROWS, 3).clamp_min(1e-20)
    return torch.softmax((PROBS.log() - torch.log(-torch.log(uniforms))) * TEMPERATURE, dim=-1)


def main(folder: Path) -> None:
    """Check the three samplers in turn."""
    torch.manual_seed(0)
    for sampler in (by_torch, probabilities_as_logits, multiplied_by_temperature):
        path = folder / f"{sampler.__name__}.npy"
        np.save(path, sampler().numpy())
        command = ["gscli", "check", path.name, "--pi", "1,3,6", "-t", f"{TEMPERATURE}"]
        print("$", *command)
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-m", *command, "--plot", "check.html", "-q"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        print(run.stdout + run.stderr)
        print(f"exit code {run.returncode}\n")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))
