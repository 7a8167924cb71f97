//! Failures and delays of a virtual reader that its program plans.

use std::time::Duration;

use super::scm_result;
use super::virtual_ifd::{number, scm_virtual_ifd};
use crate::abi::cause::refuse;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, Options, guard, required};
use crate::resource_manager::r#virtual::{self, Failure, Operation};

/// A change of the next calls of an operation. Initialise with `SCM_VIRTUAL_FAILURE_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_failure {
    /// `sizeof(scm_virtual_failure)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// The code that the calls return; `SCM_S_OK` for calls that are carried out, after the delay.
    pub result: scm_result,
    /// How many calls are left alone before.
    pub skip: u32,
    /// How many calls are changed; `UINT32_MAX` for all that follow, 0 to cancel the plans for the operation.
    pub count: u32,
    /// How long each call takes before it returns or is carried out, in milliseconds.
    pub delay_ms: u32,
}

// SAFETY: repr(C), five fields of 32 bits, the first of them the size.
unsafe impl Options for scm_virtual_failure {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self =
        scm_virtual_failure { struct_size: size_of::<Self>() as u32, result: 0, skip: 0, count: 0, delay_ms: 0 };
}

/// Lets the next calls of an operation fail: `skip` calls are left alone, then `count` calls return `result` and do
/// nothing else.
///
/// The calls are those of the resource manager: `scm_attach_by_ifd`, for example, connects once and asks for the status
/// once. The log shows them. Plans for one operation take effect one after the other.
///
/// @param ifd  the reader
/// @param operation  `SCM_VIRTUAL_CONNECT` to `SCM_VIRTUAL_SET_ATTRIBUTE`
/// @param result  the code of the resource manager. The attachment may return another one, because after a failed
///   exchange it asks for the true state; for a card that stays away use `scm_virtual_ifd_remove`. `SCM_E_HANDLE` and
///   `SCM_E_UNEXPECTED` become `SCM_E_FAIL`, because no resource manager can return them.
/// @param skip  how many calls are left alone before
/// @param count  how many calls fail; `UINT32_MAX` for all that follow, 0 to cancel the plans for the operation
///
/// @return
/// - `SCM_S_OK`: planned.
/// - `SCM_E_INVALIDARG`: `operation` is not defined, or `result` is a success and `count` is not 0.
///
/// Never blocks.
///
/// @see scm_virtual_ifd_fail_ex, scm_virtual_ifd_get_log
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_fail(
    ifd: *mut scm_virtual_ifd,
    operation: u32,
    result: scm_result,
    skip: u32,
    count: u32,
) -> scm_result {
    guard!(scm_virtual_ifd_fail(ifd, operation, result, skip, count), || {
        if result >= 0 && count > 0 {
            return Err(refuse("is not a failure")).of("result");
        }
        fail(ifd, operation, &scm_virtual_failure { result, skip, count, ..scm_virtual_failure::DEFAULT })
    })
}

/// Lets the next calls of an operation fail, or delays them, or both.
///
/// @param ifd  the reader
/// @param operation  as for `scm_virtual_ifd_fail`
/// @param failure  the change
///
/// @return as `scm_virtual_ifd_fail`, and
/// - `SCM_E_INVALIDARG`: also if the result is a success other than `SCM_S_OK`.
///
/// Never blocks.
///
/// @see scm_virtual_ifd_fail, scm_virtual_ifd_get_log
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_virtual_ifd_fail_ex(
    ifd: *mut scm_virtual_ifd,
    operation: u32,
    failure: *const scm_virtual_failure,
) -> scm_result {
    guard!(scm_virtual_ifd_fail_ex(ifd, operation, failure), || {
        // SAFETY: as the header says.
        fail(ifd, operation, &unsafe { required(failure).within("failure") }?)
    })
}

fn fail(ifd: *mut scm_virtual_ifd, operation: u32, failure: &scm_virtual_failure) -> Result<Hresult> {
    let number = number(ifd)?;
    let answer = match Hresult(failure.result) {
        Hresult::S_OK => Ok(()),
        code if code.0 < 0 => Err(code.from_outside()),
        _ => return Err(refuse("is a success that is not SCM_S_OK")).of("result").within("failure"),
    };
    let scm_virtual_failure { skip, count, delay_ms, .. } = *failure;
    let delay = Duration::from_millis(delay_ms.into());
    let operation = Operation::from_value(operation).of("operation")?;
    r#virtual::fail(number, Failure { operation, answer, skip, count, delay })?;
    Ok(Hresult::S_OK)
}
