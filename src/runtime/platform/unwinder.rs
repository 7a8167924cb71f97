//! The unwinder of the Itanium C++ ABI, as glibc uses it to end a thread. A forced unwind stops in a frame with a
//! personality function of its own. No language gives a frame such a function, so the frame is written in assembler.

use std::arch::global_asm;
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// The exception object of a forced unwind, which lives as long as its thread.
pub type Unwind = NonNull<c_void>;

const FORCED_UNWIND: c_int = 8;
const INSTALL_CONTEXT: c_int = 7;
const CONTINUE_UNWIND: c_int = 8;

// void *scm_call_until_unwind(void *data, void (*run)(void *)): returns NULL when `run` returns, or the exception
// object. The data of the personality function are the address at which the frame goes on, with the object in the
// register of the return value.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .text.scm_call_until_unwind, \"ax\", @progbits",
    ".p2align 4",
    ".globl scm_call_until_unwind",
    ".hidden scm_call_until_unwind",
    ".type scm_call_until_unwind, @function",
    "scm_call_until_unwind:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    ".cfi_lsda 0x1b, .Lscm_unwound",
    "subq $8, %rsp",
    ".cfi_adjust_cfa_offset 8",
    "callq *%rsi",
    "xorl %eax, %eax",
    ".Lscm_unwound:",
    "addq $8, %rsp",
    ".cfi_adjust_cfa_offset -8",
    "retq",
    ".cfi_endproc",
    ".size scm_call_until_unwind, . - scm_call_until_unwind",
    ".popsection",
    personality = sym personality,
    options(att_syntax),
);

#[cfg(target_arch = "x86")]
global_asm!(
    ".pushsection .text.scm_call_until_unwind, \"ax\", @progbits",
    ".p2align 4",
    ".globl scm_call_until_unwind",
    ".hidden scm_call_until_unwind",
    ".type scm_call_until_unwind, @function",
    "scm_call_until_unwind:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    ".cfi_lsda 0x1b, .Lscm_unwound",
    "subl $12, %esp",
    ".cfi_adjust_cfa_offset 12",
    "movl 16(%esp), %eax",
    "movl %eax, (%esp)",
    "calll *20(%esp)",
    "xorl %eax, %eax",
    ".Lscm_unwound:",
    "addl $12, %esp",
    ".cfi_adjust_cfa_offset -12",
    "retl",
    ".cfi_endproc",
    ".size scm_call_until_unwind, . - scm_call_until_unwind",
    ".popsection",
    personality = sym personality,
    options(att_syntax),
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .text.scm_call_until_unwind, \"ax\", %progbits",
    ".p2align 4",
    ".globl scm_call_until_unwind",
    ".hidden scm_call_until_unwind",
    ".type scm_call_until_unwind, %function",
    "scm_call_until_unwind:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    ".cfi_lsda 0x1b, .Lscm_unwound",
    "stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset 29, -16",
    ".cfi_offset 30, -8",
    "blr x1",
    "mov x0, xzr",
    ".Lscm_unwound:",
    "ldp x29, x30, [sp], #16",
    ".cfi_restore 29",
    ".cfi_restore 30",
    ".cfi_def_cfa_offset 0",
    "ret",
    ".cfi_endproc",
    ".size scm_call_until_unwind, . - scm_call_until_unwind",
    ".popsection",
    personality = sym personality,
);

unsafe extern "C-unwind" {
    fn scm_call_until_unwind(data: *mut c_void, run: unsafe extern "C-unwind" fn(*mut c_void)) -> *mut c_void;
    fn _Unwind_Resume(exception: *mut c_void) -> !;
}

unsafe extern "C" {
    fn _Unwind_GetLanguageSpecificData(context: *mut c_void) -> usize;
    fn _Unwind_SetGR(context: *mut c_void, register: c_int, value: usize);
    fn _Unwind_SetIP(context: *mut c_void, address: usize);
}

/// Stops a forced unwind. Other exceptions pass this frame.
unsafe extern "C" fn personality(
    _version: c_int,
    actions: c_int,
    _class: u64,
    exception: *mut c_void,
    context: *mut c_void,
) -> c_int {
    if actions & FORCED_UNWIND == 0 {
        return CONTINUE_UNWIND;
    }
    // SAFETY: the unwinder calls this for a frame of `scm_call_until_unwind`, whose data are an address in it. Register
    // 0 is that of the return value on the architectures above.
    unsafe {
        _Unwind_SetGR(context, 0, exception as usize);
        _Unwind_SetIP(context, _Unwind_GetLanguageSpecificData(context));
    }
    INSTALL_CONTEXT
}

/// The function to call, and then its result.
union CallData<F, T> {
    function: ManuallyDrop<F>,
    answer: ManuallyDrop<T>,
}

pub fn call<T, F: FnOnce() -> T>(function: F) -> Result<T, Unwind> {
    let mut call = CallData { function: ManuallyDrop::new(function) };
    // SAFETY: `run` gets the data that it expects. A forced unwind leaves nothing behind in its frame or in that of
    // `function`: both only call the program.
    let exception = unsafe { scm_call_until_unwind((&raw mut call).cast(), run::<F, T>) };
    match NonNull::new(exception) {
        Some(unwind) => Err(unwind),
        // SAFETY: `run` has returned, so there is a result.
        None => Ok(ManuallyDrop::into_inner(unsafe { call.answer })),
    }
}

/// # Safety
///
/// `call` has a function that nobody else takes.
unsafe extern "C-unwind" fn run<F: FnOnce() -> T, T>(call: *mut c_void) {
    let call = call.cast::<CallData<F, T>>();
    // SAFETY: the caller guarantees it.
    let function = unsafe { ManuallyDrop::take(&mut (*call).function) };
    let answer = function();
    // SAFETY: as above; the function is not there any more.
    unsafe { (*call).answer = ManuallyDrop::new(answer) };
}

pub fn resume(unwind: Unwind) {
    // SAFETY: the unwind of this thread, which stopped in `call`. It continues in the callers of this frame.
    unsafe { _Unwind_Resume(unwind.as_ptr()) }
}
