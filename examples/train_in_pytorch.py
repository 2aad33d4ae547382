"""Train a small discrete autoencoder in PyTorch, its temperature annealed by `gscli schedule`.

The function of the schedule is what `gscli schedule SPEC --code torch` prints. What the run did is
logged, and `gscli schedule log.csv --against SPEC` compares it with what was meant: once for this
run, and once for one with a common mistake, the factor applied to the current temperature. Run
``python examples/train_in_pytorch.py [FOLDER]``; it writes the logs and ``schedule.html``. It needs
PyTorch: ``pip install '.[bench]'``.
"""

import csv
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import torch
except ImportError:
    sys.exit("This example needs PyTorch: pip install '.[bench]'")

SPEC = "exp:1:0.1:2e-3"
STEPS = 1500
BATCH = 64
CODES = 8
LOG_EVERY = 10


def gscli(folder: Path, *arguments: str) -> str:
    """Run a command of gscli in a folder, and return what it prints."""
    command = [sys.executable, "-m", "gscli", *arguments]
    return subprocess.run(  # noqa: S603
        command, cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def printed_schedule(folder: Path) -> Callable[[int], float]:
    """Return the function that `gscli schedule --code torch` prints."""
    variables: dict[str, Any] = {}
    exec(gscli(folder, "schedule", SPEC, "--code", "torch"), variables)  # noqa: S102
    return lambda step: float(variables["temperature"](step))


def compounding() -> Callable[[int], float]:
    """Return a schedule with a mistake: the factor is applied to the current temperature."""
    current = 1.0

    def temperature(step: int) -> float:
        nonlocal current
        current = max(0.1, current * math.exp(-2e-3 * step))
        return current

    return temperature


def train(temperature: Callable[[int], float], log: Path) -> float:
    """Train on points around eight centres of a circle, and return the error of hard codes."""
    torch.manual_seed(0)
    angles = 2 * math.pi * torch.arange(CODES) / CODES
    centres = torch.stack([angles.cos(), angles.sin()], dim=1)
    encoder = torch.nn.Sequential(
        torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, CODES)
    )
    decoder = torch.nn.Linear(CODES, 2, bias=False)
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=3e-2)

    def batch(n: int) -> torch.Tensor:
        return centres[torch.randint(CODES, (n,))] + 0.05 * torch.randn(n, 2)

    with log.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "temperature"])
        for step in range(STEPS):
            tau = temperature(step)
            if step % LOG_EVERY == 0:
                writer.writerow([step, tau])
            points = batch(BATCH)
            codes = torch.nn.functional.gumbel_softmax(encoder(points), tau=tau)
            loss = (decoder(codes) - points).square().sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        points = batch(4096)
        hard = torch.nn.functional.one_hot(encoder(points).argmax(dim=1), CODES).float()
        return float((decoder(hard) - points).square().sum(dim=1).mean())


def main(folder: Path) -> None:
    """Train with both schedules, and let gscli judge their logs."""
    torch.set_num_threads(1)
    for name, temperature in (("right", printed_schedule(folder)), ("wrong", compounding())):
        log = folder / f"{name}.csv"
        error = train(temperature, log)
        print(f"{name}: squared error of the hard codes {error:.4f}")
        page = ("-o", "schedule.html", "-q") if name == "right" else ()
        print(f"$ gscli schedule {log.name} --against {SPEC} --pi uniform:{CODES}")
        options = ("--against", SPEC, "--pi", f"uniform:{CODES}", "-m", str(BATCH), *page)
        print(gscli(folder, "schedule", log.name, *options))


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))
