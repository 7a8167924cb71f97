#!/usr/bin/env python3
"""Interpreters that end while a daemon thread is in a callback of a virtual card. CPython ends such a thread with
pthread_exit when it tries to run Python code again. Each interpreter must end with 0.

    daemon_thread.py LIBRARY RUNS       all of them
    daemon_thread.py LIBRARY            one of them
"""
import subprocess
import sys
import threading
import time
from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int32, c_size_t, c_uint32, c_void_p,
                    memmove, sizeof)

AT_ONCE = 4

TRANSMIT = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(c_size_t))
POWER = CFUNCTYPE(c_int32, c_void_p, c_uint32)


class VirtualCard(Structure):
    """scm_virtual_card"""
    _fields_ = [("struct_size", c_uint32), ("protocols", c_uint32), ("atr", c_char_p), ("atr_length", c_size_t),
                ("user_data", c_void_p), ("transmit", TRANSMIT), ("power", POWER), ("control", c_void_p),
                ("release", c_void_p)]


def end_in_the_middle(library):
    scm = CDLL(library)
    runs = threading.Event()

    def answer(_user, _command, _command_length, response, _capacity, response_length):
        memmove(response, b"\x90\x00", 2)
        response_length[0] = 2
        runs.set()
        time.sleep(0.002)  # a slow card: slow enough for the interpreter to begin its end
        return 0

    card = VirtualCard(struct_size=sizeof(VirtualCard), atr=b"\x3B\x80\x80\x01\x01", atr_length=5)
    card.transmit, card.power = TRANSMIT(answer), POWER(lambda _user, _event: 0)
    ifd, handle = c_void_p(), c_void_p()
    assert scm.scm_virtual_ifd_create(b"Python", None, byref(ifd)) == 0
    assert scm.scm_virtual_ifd_insert(ifd, byref(card)) == 0
    assert scm.scm_attach_by_ifd(b"Python", byref(handle)) == 0

    def exchange():
        response, length = (c_uint32 * 4)(), c_size_t()
        while True:
            scm.scm_transmit(handle, b"\x00\xA4\x00\x00", c_size_t(4), response, c_size_t(16), byref(length))

    threading.Thread(target=exchange, daemon=True).start()
    runs.wait()
    # The thread may be in a callback when the interpreter ends, so the callbacks must live until then.
    end_in_the_middle.kept = card, answer


def run(library, runs):
    bad = {}
    for _ in range(0, runs, AT_ONCE):
        command = [sys.executable, __file__, library]
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(AT_ONCE)]
        for process in processes:
            _, said = process.communicate(timeout=60)
            if process.returncode != 0 or said:
                bad[process.returncode] = bad.get(process.returncode, 0) + 1
                last = said
    if bad:
        print(f"of {runs} interpreters, by exit status: {bad}; the last one printed {last.decode(errors='replace')}")
    return not bad


if len(sys.argv) > 2:
    sys.exit(not run(sys.argv[1], int(sys.argv[2])))
end_in_the_middle(sys.argv[1])
