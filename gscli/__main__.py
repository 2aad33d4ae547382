"""Run the command line: `gscli`, or `python -m gscli`."""

from gscli.execution.ending import end_on_signals


def run() -> None:
    """Run the command line as the only work of this process."""
    # Before anything else is imported, which takes longer than a hasty Ctrl-C.
    end_on_signals()
    from gscli.cli.main import run as run_main

    run_main()


if __name__ == "__main__":
    run()
