//! The types of the C interface that every layer uses: results, constants, GUIDs, handles, tables of functions.

pub mod call;
pub mod call_end;
pub mod cause;
pub mod constants;
pub mod functions;
pub mod guid;
pub mod handle;
pub mod hresult;
pub mod output;
pub mod service;
