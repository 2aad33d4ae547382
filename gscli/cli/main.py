"""The `gscli` group, and the one place where errors become messages and exit codes."""

import errno
import gc
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar, NoReturn

import click

from gscli import __version__
from gscli.cli.help import PlainGroup
from gscli.cli.streams import flush_or_drop, mute_libraries, settle_streams
from gscli.cli.watchdog import memory_is_limited, watch
from gscli.errors import BrowserNotFoundError, GscliError, ParameterError
from gscli.execution.ending import INTERRUPTED, end_on_signals
from gscli.execution.memory import keep_freed_memory

SECTIONS = {
    "See": ("sample", "plot", "sweep"),
    "Choose a temperature": ("describe", "density", "gradient", "schedule"),
    "Test": ("check", "fit"),
    "This machine": ("doctor",),
}
COMMANDS = tuple(name for names in SECTIONS.values() for name in names)

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NO_BROWSER = 3
EXIT_INTERRUPTED = 130
EXIT_ON_FAILURE = {"check": 2}
"""For commands for which `EXIT_FAILED` is an answer; as with grep and diff, 2 is not one."""

OUT_OF_MEMORY = "out of memory; raise the limit that ulimit -v sets, or ask for less"
NO_THREAD = "can't start new thread"
"""What Python says where the memory for the stack of a thread is missing."""


class Group(PlainGroup):
    """A group that imports a command's module when it is needed, and ends in one line."""

    sections: ClassVar = SECTIONS

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"gscli.cli.commands.{name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            choice = f"No such command {args[0]!r}; choose from {', '.join(COMMANDS)}."
            raise click.NoSuchCommand(args[0], choice, COMMANDS, ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        keep_freed_memory()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader wanted no more, which is no failure (click would exit with 1).
            raise click.exceptions.Exit(0) from None
        except KeyboardInterrupt as error:
            # Not click's way, which prints an empty line first.
            raise click.Abort from error
        except (GscliError, OSError, MemoryError) as error:
            _fail(*_message_and_code(error, _failed_code([ctx.invoked_subcommand or ""])))
        except RuntimeError as error:
            if NO_THREAD not in str(error):
                raise
            _fail(*_message_and_code(error, _failed_code([ctx.invoked_subcommand or ""])))
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002
        **extra: Any,
    ) -> NoReturn:
        with _ending():
            code = super().main(
                args, prog_name or "gscli", complete_var, standalone_mode=False, **extra
            )
            sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _ending() -> Iterator[None]:
    """Turn every way in which a command can end into its exit code."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        _fail(INTERRUPTED, EXIT_INTERRUPTED)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except (OSError, GscliError) as error:  # of --help and --version: no command has run
        _fail(*_message_and_code(error, EXIT_FAILED))


def _failed_code(words: Sequence[str]) -> int:
    """Return the exit code of the command that some words begin with, if it fails."""
    return EXIT_ON_FAILURE.get(words[0] if words else "", EXIT_FAILED)


def _message_and_code(error: Exception, failed: int) -> tuple[str, int]:
    match error:
        case ParameterError():
            return str(error), EXIT_USAGE
        case BrowserNotFoundError():
            return str(error), EXIT_NO_BROWSER
        case MemoryError() | RuntimeError() | OSError(errno=errno.ENOMEM):
            return OUT_OF_MEMORY, failed
        case OSError():
            return f"{error.filename or 'output'}: {error.strerror or error}", failed
        case _:
            return str(error), failed


def _fail(message: str, code: int) -> NoReturn:
    from gscli.cli.messages import one_line

    flush_or_drop()
    click.echo(f"Error: {one_line(message)}", err=True)
    sys.exit(code)


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""sample, plot, sweep, describe and gradient run bare, on the classic example: pi =
    1,3,6, t = 3, n = 10,000.

    \b
    Examples:
      gscli plot --pi cat=1,dog=3,bird=6 -t 0.2,0.5,1,3 -o effect.html
      gscli describe --pi 1,3,6 -t 0.1,0.5,1,3
      gscli check samples.npy --pi 1,3,6 -t 0.5
    """,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Sample, see, measure and check the Gumbel-Softmax (Concrete) distribution."""


def run() -> NoReturn:
    """Run `main` as the only work of this process, and end it."""
    end_on_signals()
    code: Any = 0
    try:
        _run_main()
    except SystemExit as ended:
        code = ended.code
    flush_or_drop()
    # All is written. The interpreter's own end takes 10 ms and more, with numpy and polars 40, in
    # which a signal would meet libraries that are half gone.
    os._exit(code)


def _run_main() -> None:
    settle_streams()
    mute_libraries()
    limited = memory_is_limited()
    if limited and not watch():
        _fail(OUT_OF_MEMORY, _failed_code(sys.argv[1:]))
    if limited:  # a library whose other half could not be loaded warns
        warnings.simplefilter("ignore")
    # The garbage collector walks the many objects of an import again and again.
    gc.set_threshold(100_000)
    # The threads are ours: OpenBLAS's own would wait for each other over small products.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if limited:
        _run_in_little_memory()
    main(prog_name="gscli")


def _run_in_little_memory() -> None:
    """Run `main`, and take what a library that was loaded in part raises for what it is."""
    try:
        main(prog_name="gscli")
    except BaseException as error:
        lost = isinstance(error, AttributeError | ImportError | NameError | SystemError)
        if not lost and type(error).__name__ != "PanicException":
            raise
        _fail(OUT_OF_MEMORY, _failed_code(sys.argv[1:]))
