"""The command line: `kizuna NOUN VERB`. Commands are imported when they run, so that `--help` stays fast.

`COMMANDS` is the table of contents: each name, the module whose `command` it is, and its line in the overview.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
from typing import Any

import click

from kizuna import __version__
from kizuna.cli.output import detail, fail
from kizuna.cli.words import _, told
from kizuna.errors import KizunaError

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("kizuna.cli.demo", "Show three partner nodes exchanging real data."),
    "init": ("kizuna.cli.init", "Make a node."),
    "up": ("kizuna.node", "Serve a node until interrupted."),
    "import": ("kizuna.cli.import_", "Store STIX objects from files."),
    "export": ("kizuna.cli.export", "Write objects as a STIX bundle."),
    "validate": ("kizuna.cli.validate", "Check STIX files against the specification."),
    "search": ("kizuna.cli.search", "Find objects by words, or by a value."),
    "show": ("kizuna.cli.show", "Show one object, its versions and neighbours."),
    "explain": ("kizuna.cli.explain", "Say who may see objects, and why."),
    "release": ("kizuna.cli.release", "What leaves for a partner, and why."),
    "consent": ("kizuna.cli.consent", "Ask originators, and answer, what may be passed on."),
    "air": ("kizuna.cli.air", "Unmanned aircraft by their Remote ID."),
    "stats": ("kizuna.cli.stats", "Count what the node holds."),
    "label": ("kizuna.cli.label", "Read and set the label of an object."),
    "user": ("kizuna.cli.user", "People of this node."),
    "token": ("kizuna.cli.token", "Tokens of people and programs."),
    "partner": ("kizuna.cli.partner", "Organisations this node exchanges with."),
    "taxii": ("kizuna.cli.taxii", "Exchange with partners over TAXII 2.1."),
    "pack": ("kizuna.cli.pack", "Starter data: frameworks, groups, programme."),
    "job": ("kizuna.cli.job", "Jobs: imports, exports and polls that wait or run."),
    "purge": ("kizuna.cli.purge", "Destroy an object for good, by two operators."),
    "retention": ("kizuna.cli.retention", "How long objects are kept."),
    "migrate": ("kizuna.cli.migrate", "Move the node to another store."),
    "backup": ("kizuna.cli.backup", "Write a node to one file, while it serves."),
    "restore": ("kizuna.cli.restore", "Make a node from a backup."),
    "epoch": ("kizuna.cli.epoch", "Begin anew after the database went back in time."),
    "audit": ("kizuna.cli.audit", "Read and export the audit trail."),
    "config": ("kizuna.cli.config", "Show the settings in force."),
    "doctor": ("kizuna.cli.doctor", "Look for what is wrong with a node."),
}

INTERRUPTED = 130


class Commands(click.Group):
    """A group whose commands are loaded when called and whose errors end in one line and a documented exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that has gone (`kizuna export | head`) has had enough, which is no failure."""
        began = time.monotonic()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            detail(_("done in {seconds:.2f} s", seconds=time.monotonic() - began))
        except BrokenPipeError:
            _give_up_stdout()
            return None
        except KizunaError as error:  # while it is known how the command speaks
            ctx.exit(fail(_told(error), error.exit_code))
        return result

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run and exit: no error of the user or of the system ends in a traceback."""
        code = self._run(*args, **{"prog_name": "kizuna", **extra, "standalone_mode": False})
        gc.freeze()  # to look for cycles in what ends anyway would take longer than many commands
        sys.exit(code)

    def _run(self, *args: Any, **extra: Any) -> int:
        try:
            code = super().main(*args, **extra)
        except click.ClickException as error:
            error.show(file=sys.stderr)
            return error.exit_code
        except KizunaError as error:
            return fail(_told(error), error.exit_code)
        except UnicodeEncodeError:
            return fail(_("an argument is no text in UTF-8"), 2)
        except (KeyboardInterrupt, click.Abort):
            return INTERRUPTED
        except (OSError, MemoryError) as error:
            _give_up_stdout()
            return fail(_reason(error), 1)
        except Exception as error:
            # By name: importing a database for its error class would cost `--help` its speed.
            if type(error).__module__.partition(".")[0] not in ("sqlite3", "psycopg"):
                raise
            return fail(_("the store cannot be used: {error}; `kizuna doctor` may say more", error=error), 1)
        return code if isinstance(code, int) else 0


def _told(error: KizunaError) -> str:
    return str(error).removesuffix(error.message) + told(error.message)


def _give_up_stdout() -> None:
    # What is left in the buffer would be written once more at exit, with a complaint and exit code 120.
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reason(error: OSError | MemoryError) -> str:
    if isinstance(error, MemoryError):
        return _("out of memory")
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused, 5 partner failed, 6 partly failed, 130 interrupted.",
)
@click.version_option(__version__, prog_name="kizuna")
def main() -> None:
    """Kizuna (絆), a partner node: record, connect, release and exchange what partners observe."""
    # What a node writes (its store, keys, exports) is for its own user alone.
    os.umask(0o077)
