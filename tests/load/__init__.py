"""Load: many calls at once, of which one in twenty meets a fault, against a server that counts too.

`python -m tests.load --calls 10000` runs that many as fast as it goes; `--soak 600` goes on for ten
minutes and watches memory, open files and tasks. The number in a call's prompt decides what becomes
of it (`fates`): the server does it, the client expects it. The server is the emulator, in a process
of its own. Exit code 1: some call did not end as it should, the two sides counted differently, or
something grew.
"""
