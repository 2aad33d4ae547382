"""Run the command line as `python -m gscli`."""

from gscli.cli.main import run

if __name__ == "__main__":
    run()
