"""Run the command line as `python -m gscli`."""

from gscli.cli.main import main

if __name__ == "__main__":
    main(prog_name="gscli")
