"""Run the command line: `gscli`, or `python -m gscli`."""

import _signal  # type: ignore[import-not-found]  # unknown to typeshed


def run() -> None:
    """Run the command line as the only work of this process."""
    # Before anything else is imported, `signal` with its enumerations too: that takes longer than
    # a hasty Ctrl-C, which Python answers with a traceback.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from gscli.execution.ending import end_on_signals

    end_on_signals()
    from gscli.cli.main import run as run_main

    run_main()


if __name__ == "__main__":
    run()
