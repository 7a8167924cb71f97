//! The handles that C holds: tokens, the shared objects behind them, and the one table of the process.

pub mod process;
pub mod table;
