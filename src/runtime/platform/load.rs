//! A function that runs when the library is loaded.

/// Runs an `extern "C" fn()` when the library is loaded, before any other thread can call it. Where processes do not
/// fork, nothing needs that.
macro_rules! at_load {
    ($function:path) => {
        #[cfg(unix)]
        #[used]
        #[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array.00101"))]
        #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
        static LOADED: extern "C" fn() = $function;
    };
}

pub(crate) use at_load;
