"""Starting processes without losing one to a signal."""

import contextlib
import signal
import subprocess

_SIGNALS = {signal.SIGINT, signal.SIGTERM}


@contextlib.contextmanager
def signals_held():
    """A signal that would unwind us waits until the block ends, so that a process can't start without being remembered."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def start(command, **options):
    """subprocess.Popen, for use within signals_held(): the child does not inherit that they are held."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS), **options)
