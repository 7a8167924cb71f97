//! Where event loops wait for no file descriptors (Windows).

use crate::abi::hresult::{Hresult, Result};

pub struct Signal;

impl Signal {
    pub fn new() -> Result<Signal> {
        Ok(Signal)
    }

    pub fn fd(&self) -> Result<i32> {
        Err(Hresult::E_NOTIMPL)
    }

    pub fn close(self) {}

    pub fn raise(&self) {}

    pub fn lower(&self) {}
}
