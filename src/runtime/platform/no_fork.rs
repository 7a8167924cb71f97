//! Where processes do not fork (Windows).

use crate::abi::hresult::Result;

pub fn watch(
    _before: extern "C" fn(),
    _after_in_parent: extern "C" fn(),
    _after_in_child: extern "C" fn(),
) -> Result<()> {
    Ok(())
}
