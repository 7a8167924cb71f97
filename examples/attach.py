import sys
from ctypes import *

scm, card, length = CDLL("libscm.so.0.1"), c_void_p(), c_size_t()
names, atr = create_string_buffer(4096), create_string_buffer(33)
scm.scm_result_name.restype = scm.scm_result_message.restype = c_char_p
NO_READER = c_int32(0x8010002E).value  # SCM_SCARD_E_NO_READERS_AVAILABLE
ADVICE = {
    "SCM_SCARD_S_NO_SERVICE":
        "Start it: sudo systemctl start pcscd.socket (if it runs, polkit does not let you use it)",
    "SCM_SCARD_W_SECURITY_VIOLATION": "Polkit does not let you use pcscd: try sudo, or add a rule.",
    "SCM_SCARD_E_NO_READERS_AVAILABLE": "Plug one in.",
    "SCM_SCARD_E_NO_SMARTCARD": "Put one in.",
}

def complain(what, result):
    name, message = scm.scm_result_name(result).decode(), scm.scm_result_message(result).decode()
    print(f"{what}: {message} {ADVICE.get(name, '')} ({name})", file=sys.stderr)

result = scm.scm_list_ifds(names, c_size_t(4096), byref(length))
readers = [name for name in names.raw[:length.value].split(b"\0") if name] if result >= 0 else []
if not readers:
    complain("readers", result or NO_READER)
for reader in readers:
    result = scm.scm_attach_by_ifd(reader, byref(card))
    if result >= 0:
        scm.scm_get_atr(card, atr, c_size_t(33), byref(length))
        print(reader.decode(), atr.raw[:length.value].hex(" "))
        scm.scm_detach(card)
        sys.exit()
    complain(reader.decode(), result)
sys.exit(1)
