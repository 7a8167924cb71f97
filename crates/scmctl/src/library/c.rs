//! The C interface. The compiler compares each call with its declaration, and a test each name with the headers. The
//! `DEFAULT` of a structure (`Options`) is its macro `_INIT`.

pub use scm::abi::constants::{SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};
pub use scm::abi::constants::{
    SCM_FL_GET_ALL_PROPERTIES, SCM_FL_IHV_CHANGE, SCM_FL_IHV_CHECKONLY, SCM_FL_IHV_GLOBAL, SCM_FL_IHV_LOCAL,
    SCM_FL_REPLACE, SCM_PROTOCOL_RAW, SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_SEEK_FROM_BEGINNING, SCM_SEEK_FROM_END,
    SCM_SHARE_DIRECT, SCM_SHARE_SHARED, SCM_STATE_ABSENT, SCM_STATE_NEGOTIABLEMODE, SCM_STATE_POWERED,
    SCM_STATE_PRESENT, SCM_STATE_SPECIFICMODE, SCM_STATE_SWALLOWED, SCM_TYPE_ALL_FILES, SCM_TYPE_BY_ANY,
    SCM_TYPE_CYCLIC_EF, SCM_TYPE_FIXED_EF, SCM_TYPE_TRANSPARENT_EF, SCM_TYPE_VARIABLE_EF,
};
pub use scm::abi::handle::scm_handle;
pub use scm::abi::hresult::scm_result;
pub use scm::capi::attachment::{scm_attach_by_ifd_ex, scm_attach_options, scm_detach};
pub use scm::capi::attribute::{
    SCM_ATTR_VENDOR_IFD_SERIAL_NO, SCM_ATTR_VENDOR_IFD_TYPE, SCM_ATTR_VENDOR_IFD_VERSION, SCM_ATTR_VENDOR_NAME,
    scm_get_attribute,
};
pub use scm::capi::boundary::Options;
pub use scm::capi::ch_verification::{
    SCM_CODE_BCD, SCM_CODE_FILLER, SCM_CODE_ISO9564_2, SCM_FL_IHV_PIN_PAD, SCM_RETRIES_UNKNOWN, scm_ch_verification,
    scm_ch_verification_change_code, scm_ch_verification_options, scm_ch_verification_release,
    scm_ch_verification_unblock, scm_ch_verification_verify, scm_create_ch_verification_ex,
};
pub use scm::capi::command::{scm_command, scm_send_ex, scm_send_options};
pub use scm::capi::exchange::{SCM_RESPONSE_MAX, scm_transmit_ex};
pub use scm::capi::file::{
    SCM_FILE_UNKNOWN, scm_file, scm_file_close, scm_file_get_info, scm_file_get_size, scm_file_info, scm_file_read,
    scm_file_seek, scm_file_write,
};
pub use scm::capi::file_access::{
    scm_create_file_access, scm_directory_options, scm_file_access, scm_file_access_change_dir,
    scm_file_access_directory_ex, scm_file_access_get_current_dir, scm_file_access_get_properties,
    scm_file_access_open, scm_file_access_release,
};
pub use scm::capi::ifd::scm_list_ifds;
pub use scm::capi::last_error::{scm_get_last_error, scm_last_error};
pub use scm::capi::lock::{scm_lock_ex, scm_unlock};
pub use scm::capi::monitor::{
    SCM_EVENT_CARD_INSERTED, SCM_EVENT_CARD_REMOVED, SCM_EVENT_CARD_RESET, SCM_EVENT_CURRENT, SCM_EVENT_IFD_ARRIVED,
    SCM_EVENT_IFD_LEFT, SCM_EVENT_SERVICE_DOWN, SCM_EVENT_SERVICE_UP, SCM_USAGE_EXCLUSIVE, SCM_USAGE_FREE,
    SCM_USAGE_SHARED, scm_event, scm_monitor, scm_monitor_create, scm_monitor_destroy, scm_monitor_wait,
};
pub use scm::capi::property::{SCM_ATR_MAX, scm_get_atr, scm_status};
pub use scm::capi::reconnect::{scm_reconnect, scm_reconnect_ex, scm_reconnect_options};
pub use scm::capi::result::{scm_result_message, scm_result_name};
pub use scm::capi::version::scm_version;
pub use scm::capi::virtual_card::scm_virtual_card;
pub use scm::capi::virtual_ifd::{
    scm_virtual_ifd, scm_virtual_ifd_create, scm_virtual_ifd_destroy, scm_virtual_ifd_insert,
};
pub use scm_card::capi::{scm_card_check, scm_card_create, scm_card_plug, scm_card_release};

/// A macro of scm.h.
pub const SCM_INFINITE: u32 = 0xFFFF_FFFF;

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_in_a_header() {
        let headers = [
            include_str!("../../../../include/scm.h"),
            include_str!("../../../../include/scm_virtual.h"),
            include_str!("../../../card/include/scm_card.h"),
        ];
        let source = include_str!("c.rs");
        let imports = source.split("#[cfg(test)]").next().unwrap();
        let words = imports.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
        let names: Vec<&str> =
            words.filter(|word| word.to_ascii_lowercase().starts_with("scm_") && *word != "scm_card").collect();
        assert!(names.len() > 80, "{}", names.len());
        for name in names {
            let is_declared = |header: &&str| {
                let mut words =
                    header.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
                words.any(|word| word == name)
            };
            assert!(headers.iter().any(is_declared), "{name}");
        }
    }
}
