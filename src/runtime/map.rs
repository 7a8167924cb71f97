//! A hash map whose insertion can fail for want of memory. `BTreeMap` of the standard library aborts the process then.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasherDefault, Hash};

use crate::abi::hresult::Result;

/// The hash has no random key, so that a static can hold an empty map. No key comes from an attacker.
type Hasher = BuildHasherDefault<DefaultHasher>;

pub struct Map<K, V>(HashMap<K, V, Hasher>);

impl<K: Eq + Hash, V> Map<K, V> {
    pub const fn new() -> Self {
        Map(HashMap::with_hasher(BuildHasherDefault::new()))
    }

    /// Adds a value, or replaces the one with this key.
    pub fn insert(&mut self, key: K, value: V) -> Result<()> {
        self.0.try_reserve(1)?;
        self.0.insert(key, value);
        Ok(())
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    /// Removes a value. An empty map keeps no memory.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let removed = self.0.remove(key);
        if self.0.is_empty() {
            *self = Map::new();
        }
        removed
    }

    #[cfg(test)]
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.values()
    }

    /// The values, in no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut()
    }

    /// Removes all values without dropping them.
    pub fn forget_all(&mut self) {
        self.0.drain().for_each(std::mem::forget);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_until_it_is_removed() {
        let mut map = Map::new();
        for key in 0..1000 {
            map.insert(key, key * 10).unwrap();
        }
        map.insert(7, 1).unwrap();
        *map.get_mut(&8).unwrap() += 1;
        assert_eq!((map.get(&7), map.get(&8), map.get(&1000)), (Some(&1), Some(&81), None));
        assert_eq!((map.remove(&7), map.remove(&7), map.values().count()), (Some(1), None, 999));
    }

    #[test]
    fn forgotten_values_are_not_dropped() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("it was dropped");
            }
        }
        let mut map = Map::new();
        map.insert(1, Panics).unwrap();
        map.forget_all();
        assert_eq!(map.values().count(), 0);
    }
}
