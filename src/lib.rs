//! libscm: the ISCardManage programming model for every program that can call C.
//!
//! The interface is `include/scm.h`, generated from `capi`. From there an arrow goes down only:
//! `capi` → `boundary`, `hresult` → `process_table`, `handle_table` → `interface`, `provider` → `attachment`, `monitor` →
//! `command`, `arbiter` → `subsystem`.
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod capi;
pub mod hresult;
pub mod type_library;

mod arbiter;
mod atr;
mod attachment;
mod boundary;
mod buffer;
mod callback;
mod cancellation;
mod capabilities;
mod command;
mod features;
mod fork_count;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod handle_table;
mod ifd_name;
mod interface;
mod monitor;
mod multi_string;
mod occupation;
mod path;
mod patience;
mod process_table;
mod provider;
mod shared;
mod subsystem;
mod sync;
mod thread;
mod thread_mark;
mod tlv;
