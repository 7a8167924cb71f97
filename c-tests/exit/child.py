"""The child as an interpreter: a monitor thread, threads that attach, and an end. STATE WAY SEED IFD, as the others;
it has but one way."""
import ctypes
import os
import random
import sys
import threading
import time

STATUS = 42
REPORT_FD = 3
READY_FD = 4
INFINITE = 0xFFFFFFFF


def watch(scm, monitor):
    event = ctypes.create_string_buffer(192)
    ctypes.memmove(event, (192).to_bytes(4, sys.byteorder), 4)
    while scm.scm_monitor_wait(monitor, INFINITE, event) >= 0:
        pass


def attach(scm, ifd):
    while True:
        handle = ctypes.c_void_p()
        scm.scm_attach_by_ifd(ifd, ctypes.byref(handle))
        scm.scm_detach(handle)


def main():
    _, state, _, seed, ifd = sys.argv
    random.seed(int(seed))
    scm = ctypes.CDLL(os.environ["SCM_LIBRARY"])
    monitor = ctypes.c_void_p()
    scm.scm_monitor_create(ctypes.byref(monitor))
    os.write(READY_FD, b"\0")
    threading.Thread(target=watch, args=(scm, monitor), daemon=True).start()
    if state != "idle":
        threading.Thread(target=attach, args=(scm, ifd.encode()), daemon=True).start()
    time.sleep(0.15 if state == "idle" else random.random() / 50)
    os.write(REPORT_FD, time.clock_gettime_ns(time.CLOCK_MONOTONIC).to_bytes(8, sys.byteorder))
    sys.exit(STATUS)


main()
