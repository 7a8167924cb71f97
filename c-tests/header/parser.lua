-- Reads the preprocessed headers with the FFI of LuaJIT, and compares each code with its name in the library.
local ffi = require("ffi")
local file = assert(io.open(arg[1]))
local text = file:read("*a")
file:close()
ffi.cdef(text)
local scm = ffi.load(arg[2])

local count = 0
for name, value in text:gmatch("(SCM_[%w_]+) = (%-?%w+)") do
    assert(scm[name] == tonumber(value), name)
    if name:match("^SCM_[SE]_") or name:match("^SCM_SCARD_[A-Z]_") then
        assert(ffi.string(scm.scm_result_name(scm[name])) == name, name)
        count = count + 1
    end
end
assert(count > 70)
assert(scm.SCM_E_HANDLE == -2147024890)
assert(scm.SCM_IID_FILE_ACCESS.data1 == 0x4029DD8A)
local handle = ffi.new("scm_handle *[1]")
assert(scm.scm_attach_by_ifd("", handle) == scm.SCM_E_INVALIDARG)
assert(scm.scm_abi_version() == 1)
