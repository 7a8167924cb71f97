//! The ground of everything: results, constants, GUIDs, handles, and the tables that cross the C interface.

pub mod constants;
pub mod functions;
pub mod guid;
pub mod handle;
pub mod hresult;
pub mod output;
