//! libscm: the ISCardManage programming model for every program that can call C.
//!
//! The layers, top to bottom. A layer uses those below it, and knows no name of one above: `tests/layers.rs` reads this
//! list.
//!
//! - `capi`: every exported function, one file per noun: check, look up, call, translate
//! - `handles`: tokens, the shared objects behind them, and the one table of the process
//! - `interfaces`: files, codes, authentication
//! - `monitor`: events
//! - `attachment`: one attachment: its connection, its lock, how it reconnects
//! - `arbiter`: the order in which the attachments of this process use a reader
//! - `resource_manager`: the trait, the platform's resource manager (`pcsc`) and the one in this process
//!   (`virtual`); only `pcsc` calls PC/SC
//! - `iso7816`: commands, delivery, status words, paths, data objects
//! - `runtime`: fallible memory, threads, waits with a limit; everything else that depends on the platform is in
//!   `platform`
//! - `abi`: results, constants, GUIDs, handles, tables of functions
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod abi;
pub mod capi;

mod arbiter;
mod attachment;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod handles;
mod interfaces;
mod iso7816;
mod monitor;
mod resource_manager;
mod runtime;
