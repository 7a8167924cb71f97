//! The virtual resource manager, which can stop as a real one does.

use super::scm_result;
use crate::abi::hresult::Hresult;
use crate::capi::boundary::guard;
use crate::resource_manager::r#virtual;

/// Stops the virtual resource manager, as if the daemon of a real one ended.
///
/// Virtual readers are not listed any more, and attachments to them return `SCM_SCARD_E_NO_SERVICE` until it runs again
/// and they are reconnected. Cards lose their power and stay inserted. Real readers are not affected.
///
/// @return
/// - `SCM_S_OK`: stopped.
/// - `SCM_S_FALSE`: it was stopped already.
///
/// Does not block, not even while callbacks run.
///
/// @see scm_virtual_service_start, scm_monitor_create
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_virtual_service_stop() -> scm_result {
    guard!(scm_virtual_service_stop(), || Ok(if r#virtual::stop_service() { Hresult::S_OK } else { Hresult::S_FALSE }))
}

/// Starts the virtual resource manager again, which powers the cards in its readers. At first it runs.
///
/// @return
/// - `SCM_S_OK`: started.
/// - `SCM_S_FALSE`: it was running.
///
/// Does not block. A card whose callback runs is powered when that has returned.
///
/// @see scm_virtual_service_stop
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_virtual_service_start() -> scm_result {
    guard!(scm_virtual_service_start(), || Ok(if r#virtual::start_service() {
        Hresult::S_OK
    } else {
        Hresult::S_FALSE
    }))
}
