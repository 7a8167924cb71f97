//! The handles that C holds: tokens, the shared objects behind them, and the one table of the process.

mod fork;
pub mod objects;
pub mod process;
pub mod table;
pub mod token;
