//! The identity of an interface: a GUID, laid out as in COM.

/// The identity of an interface (IID), laid out as a `GUID` of COM.
///
/// ```c
/// static const scm_guid iid = SCM_IID_FILE_ACCESS;
/// ```
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct scm_guid {
    pub data1: u32,
    pub data2: u16,
    pub data3: u16,
    pub data4: [u8; 8],
}
