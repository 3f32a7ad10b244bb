"""The first line of ``flopprof``: signals before everything else, then the command line."""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""What the command line ends with when it was stopped, by whatever signal."""

USER_ERROR = 2

ENDING = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What ends a program that does not ask for it."""

AGAIN_SECONDS = 0.001


class Stopped(KeyboardInterrupt):
    """A signal ends flopprof as Ctrl-C does: private folders go, children are ended, what is complete is kept."""


class SignalCatcher:
    """Turns signals into Stopped, and remembers the first."""

    def __init__(self) -> None:
        self.first: int | None = None
        self._tell_ignored = sys.unraisablehook

    def catch(self) -> None:
        """From now on; a signal that is ignored, as nohup has it, stays so."""
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)
        sys.unraisablehook = self._stop_again

    def release(self) -> None:
        """Nothing is left to be cleaned: signals end the process at once."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._tell_ignored
        for number in ENDING:
            if signal.getsignal(number) == self._stop:
                signal.signal(number, signal.SIG_DFL)

    def _stop(self, number: int, _: FrameType | None) -> NoReturn:
        self.first = self.first or number
        raise Stopped

    def _stop_again(self, ignored: sys.UnraisableHookArgs) -> None:
        """What comes in a destructor or a callback is swallowed there: it comes again when that is over."""
        if not isinstance(ignored.exc_value, Stopped):
            self._tell_ignored(ignored)
            return
        signal.signal(signal.SIGALRM, self._stop)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)


def main() -> NoReturn:
    """Run the command line; one that a signal stopped ends with 128 + its number."""
    signals = SignalCatcher()
    code: str | int | None = INTERRUPTED
    try:
        signals.catch()
        gc.disable()  # looking for cycles takes a tenth of the imports' time, and the process soon ends
        from .commands.app import app, leave_one_command
        from .recorders.sweeping import sweep_private_folders
        from .terminal.output import prepare_streams

        prepare_streams()
        sweep_private_folders()
        leave_one_command(sys.argv[1:])
        app(prog_name="flopprof")
    except ModuleNotFoundError as error:
        from .terminal.missing_packages import tell_missing

        if not tell_missing(error):
            raise
        code = USER_ERROR
    except SystemExit as end:
        code = end.code
        signals.release()
    except KeyboardInterrupt:
        signals.release()
    gc.freeze()  # nor need they be looked for in what goes away as a whole
    sys.exit(128 + signals.first if code == INTERRUPTED and signals.first else code)


if __name__ == "__main__":
    main()
