//! Common to the tests of all commands.

use crate::card::Card;
use crate::profile::Profile;

/// A card from a description.
pub fn card(toml: &str) -> Card {
    Card::new(&Profile::from_toml(toml).unwrap()).unwrap()
}

/// The card of the library.
pub fn default_card() -> Card {
    card(Profile::built_in("default").unwrap())
}

/// CREATE FILE with these objects in its FCP template.
pub fn create(objects: &str) -> String {
    let objects = hex::decode(objects.replace(' ', "")).unwrap();
    let template = crate::tlv::object(0x62, &objects);
    format!("00E00000{:02X}{}", template.len(), hex::encode_upper(template))
}

impl Card {
    /// Sends a command and returns its response, both in hexadecimal.
    pub fn send(&mut self, apdu: &str) -> String {
        let apdu = hex::decode(apdu.replace(' ', "")).unwrap();
        hex::encode_upper(self.transmit(&apdu))
    }

    /// Sends commands in order, each with its expected response.
    pub fn expect(&mut self, exchanges: &[(&str, &str)]) {
        for (apdu, response) in exchanges {
            assert_eq!(self.send(apdu), response.replace(' ', ""), "{apdu}");
        }
    }
}
