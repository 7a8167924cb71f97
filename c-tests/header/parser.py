"""Reads the preprocessed headers with cffi, and compares each code with its name in the library."""
import re
import sys

import cffi

headers, library = sys.argv[1:]
text = open(headers, encoding="utf-8").read()
ffi = cffi.FFI()
ffi.cdef(text)
scm = ffi.dlopen(library)

codes = re.findall(r"\b(SCM_(?:[SE]|SCARD_[A-Z])_\w+) =", text)
assert len(codes) > 70, codes
for name in codes:
    value = getattr(scm, name)
    assert ffi.string(scm.scm_result_name(value)).decode() == name, (name, value)
assert scm.SCM_E_HANDLE == -2147024890 and scm.SCM_SHARE_SHARED == 2 and scm.SCM_FL_IHV_PIN_PAD == 0x10000
options = ffi.new("scm_attach_options *")
options.struct_size = ffi.sizeof("scm_attach_options")
handle = ffi.new("scm_handle **")
assert scm.scm_attach_by_ifd_ex(b"", options, handle) == scm.SCM_E_INVALIDARG
assert scm.scm_abi_version() == 1
