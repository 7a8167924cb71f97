//! What can be created for an attachment: the three interfaces that there always are, and those that only a provider has.

use super::name::Name;
use crate::abi::guid::{SCM_IID_CARD_AUTH, SCM_IID_CH_VERIFICATION, SCM_IID_FILE_ACCESS, scm_guid};
use crate::abi::hresult::{Hresult, Result};

/// The interfaces that there are without any provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standard {
    FileAccess,
    ChVerification,
    CardAuth,
}

/// The IID of each in the type library, the name that ISCardManage creates it by, and its name in COM.
static STANDARDS: [(Standard, &scm_guid, [&[u8]; 2]); 3] = [
    (Standard::FileAccess, &SCM_IID_FILE_ACCESS, [b"FileAccess", b"ISCardFileAccess"]),
    (Standard::ChVerification, &SCM_IID_CH_VERIFICATION, [b"CHVerification", b"ISCardVerify"]),
    (Standard::CardAuth, &SCM_IID_CARD_AUTH, [b"CardAuth", b"ISCardAuth"]),
];

impl Standard {
    fn of_name(name: &Name) -> Option<Standard> {
        let is_meant = |known: &[u8]| Name::new(known).as_ref() == Ok(name);
        let found = STANDARDS.iter().find(|(_, _, names)| names.iter().any(|known| is_meant(known)));
        found.map(|(standard, ..)| *standard)
    }

    fn of_iid(iid: &scm_guid) -> Option<Standard> {
        STANDARDS.iter().find(|(_, known, _)| *known == iid).map(|(standard, ..)| *standard)
    }
}

/// What a program asks for. A standard interface is the same by its IID and by each of its names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interface {
    Standard(Standard),
    Iid(scm_guid),
    Name(Name),
}

impl Interface {
    pub fn of_iid(iid: scm_guid) -> Interface {
        Standard::of_iid(&iid).map_or(Interface::Iid(iid), Interface::Standard)
    }

    pub fn of_name(name: Name) -> Interface {
        Standard::of_name(&name).map_or(Interface::Name(name), Interface::Standard)
    }
}

/// What a provider is asked for by: one interface, which may go by an IID, by a name, or by both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    interface: Interface,
    /// A name beside the IID.
    alias: Option<Name>,
}

impl Offer {
    /// A name that says one thing and an IID that says another are no interface.
    pub fn new(iid: Option<scm_guid>, name: Option<Name>) -> Result<Offer> {
        let named = name.map(Interface::of_name);
        let offer = match (iid.map(Interface::of_iid), named) {
            (Some(interface), None) | (None, Some(interface)) => Offer { interface, alias: None },
            (Some(interface), Some(Interface::Name(_))) => Offer { interface, alias: name },
            (Some(interface), Some(named)) if interface == named => Offer { interface, alias: None },
            _ => return Err(Hresult::E_INVALIDARG),
        };
        Ok(offer)
    }

    pub fn is_what(&self, asked: &Interface) -> bool {
        self.interface == *asked || self.alias.is_some_and(|alias| Interface::Name(alias) == *asked)
    }

    pub fn standard(&self) -> Option<Standard> {
        match self.interface {
            Interface::Standard(standard) => Some(standard),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: scm_guid = scm_guid { data1: 1, data2: 2, data3: 3, data4: [4; 8] };
    const FILES: scm_guid = SCM_IID_FILE_ACCESS;

    fn named(text: &str) -> Name {
        Name::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_standard_interface_goes_by_its_iid_and_by_both_names() {
        for (standard, iid, names) in STANDARDS {
            assert_eq!(Interface::of_iid(*iid), Interface::Standard(standard));
            for name in names {
                assert_eq!(Interface::of_name(Name::new(name).unwrap()), Interface::Standard(standard));
            }
        }
        assert_eq!(Interface::of_name(named("fileaccess")), Interface::Name(named("fileaccess")));
        assert_eq!(Interface::of_iid(OWN), Interface::Iid(OWN));
    }

    #[test]
    fn an_offer_is_asked_for_by_its_iid_and_by_its_name() {
        let offer = Offer::new(Some(OWN), Some(named("CryptoProvider"))).unwrap();
        assert!(offer.is_what(&Interface::Iid(OWN)) && offer.is_what(&Interface::Name(named("CryptoProvider"))));
        assert!(!offer.is_what(&Interface::Name(named("Crypto"))) && !offer.is_what(&Interface::of_iid(FILES)));
        assert_eq!(offer.standard(), None);
    }

    #[test]
    fn an_alias_of_a_standard_interface_leads_to_it() {
        let offer = Offer::new(Some(FILES), Some(named("FastFiles"))).unwrap();
        assert!(offer.is_what(&Interface::of_name(named("FastFiles"))));
        assert!(offer.is_what(&Interface::of_name(named("FileAccess"))));
        assert_eq!(offer.standard(), Some(Standard::FileAccess));
        assert_eq!(
            Offer::new(Some(FILES), Some(named("ISCardFileAccess"))),
            Offer::new(None, Some(named("FileAccess")))
        );
    }

    #[test]
    fn an_offer_is_of_one_interface() {
        let refused = Err(Hresult::E_INVALIDARG);
        assert_eq!(Offer::new(None, None), refused);
        assert_eq!(Offer::new(Some(OWN), Some(named("CardAuth"))), refused);
        assert_eq!(Offer::new(Some(FILES), Some(named("CardAuth"))), refused);
    }
}
