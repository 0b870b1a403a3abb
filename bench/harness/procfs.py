"""CPU time, memory and children of processes, read from /proc."""

import os

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


def _stat(pid):
    """The fields of /proc/PID/stat from the third on; the second, the name, may hold spaces and brackets."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def process_tree(root):
    """`root` and all that descend from it, parents first."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                children.setdefault(int(_stat(name)[1]), []).append(int(name))
            except OSError:
                pass  # it ended while we were looking
    tree = [root]
    for pid in tree:
        tree.extend(children.get(pid, []))
    return tree


def cpu_seconds(root):
    """User and system time of the process tree, with the children that have ended and were waited for. Of what runs, the scheduler
    tells nanoseconds; the clock ticks of /proc/PID/stat would be a hundredth of a short measurement."""
    seconds = 0
    for pid in process_tree(root):
        try:
            seconds += _running_seconds(pid) + sum(int(field) for field in _stat(pid)[13:15]) / TICKS_PER_SECOND
        except OSError:
            pass
    return seconds


def _running_seconds(pid):
    try:
        nanoseconds = 0
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                nanoseconds += int(file.read().split()[0])
        if nanoseconds:
            return nanoseconds / 1e9
    except OSError:
        pass  # a kernel without it
    return sum(int(field) for field in _stat(pid)[11:13]) / TICKS_PER_SECOND


def resident_bytes(root):
    total = 0
    for pid in process_tree(root):
        try:
            with open(f"/proc/{pid}/statm") as file:
                total += int(file.read().split()[1]) * PAGE_SIZE
        except OSError:
            pass
    return total


def busy_seconds(core):
    """What all processes, interrupts and the hypervisor's other guests have taken of a core since boot."""
    with open("/proc/stat") as file:
        for line in file:
            name, *ticks = line.split()
            if name == f"cpu{core}":
                user, nice, system, _idle, _iowait, irq, softirq, steal = (int(tick) for tick in ticks[:8])
                return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
    raise ValueError(f"this machine has no core {core}")


def has_connections(port):
    """Whether a connection accepted at a port of 127.0.0.1 is open, if only because the server has not closed its end."""
    established, close_wait = "01", "08"
    with open("/proc/net/tcp") as file:
        next(file)
        for line in file:
            _, local, _, state, *_ = line.split()
            if state in (established, close_wait) and int(local.rpartition(":")[2], 16) == port:
                return True
    return False


def voluntary_switches(root):
    """How often the threads of the process tree have gone to sleep."""
    total = 0
    for pid in process_tree(root):
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/status") as file:
                    total += next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
        except OSError:
            pass
    return total
