//! Every interleaving of a few threads that use the handle table under a mutex, as `process` does.

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::HandleTable;
use crate::abi::hresult::Hresult;
use crate::handles::token::{HandleKind, Token};
use crate::runtime::fallible::Arc;

/// Counts how many objects were dropped.
struct Object(Arc<AtomicUsize>);

impl Drop for Object {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Scene {
    table: Mutex<HandleTable<Arc<Object>>>,
    dropped: Arc<AtomicUsize>,
}

impl Scene {
    fn new() -> (Arc<Scene>, Token) {
        let (dropped, mut table) =
            (Arc::try_new(AtomicUsize::new(0)).unwrap(), HandleTable::new(HandleKind::Attachment));
        let token = table.insert(Arc::try_new(Object(dropped.clone())).unwrap()).unwrap();
        (Arc::try_new(Scene { table: Mutex::new(table), dropped }).unwrap(), token)
    }

    /// Does what a call does: the object lives as long as the reference, even if its token dies.
    fn call(&self, token: Token) {
        let object = self.table.lock().unwrap().get(token);
        match object {
            Ok(object) => assert_eq!(object.0.load(Ordering::SeqCst), 0),
            Err(code) => assert_eq!(code, Hresult::E_HANDLE),
        }
    }

    /// Does what a detach does. True if this detach ended the object.
    fn detach(&self, token: Token) -> bool {
        let object = self.table.lock().unwrap().remove(token);
        object.is_ok()
    }
}

#[test]
fn an_object_dies_once_and_after_its_last_call() {
    loom::model(|| {
        let (scene, token) = Scene::new();
        let (calling, detaching) = (scene.clone(), scene.clone());
        let caller = thread::spawn(move || calling.call(token));
        let other = thread::spawn(move || detaching.detach(token));
        let mine = scene.detach(token);
        assert_ne!(other.join().unwrap(), mine, "one detach, and one only, ends it");
        caller.join().unwrap();
        assert_eq!(scene.dropped.load(Ordering::SeqCst), 1);
        assert!(scene.table.lock().unwrap().get(token).is_err());
    });
}

#[test]
fn a_token_of_a_slot_that_is_used_again_stays_dead() {
    loom::model(|| {
        let (scene, token) = Scene::new();
        let theirs = scene.clone();
        let caller = thread::spawn(move || theirs.call(token));
        scene.detach(token);
        let new = Arc::try_new(Object(Arc::try_new(AtomicUsize::new(0)).unwrap())).unwrap();
        let new = scene.table.lock().unwrap().insert(new).unwrap();
        assert_ne!(new, token);
        caller.join().unwrap();
        assert!(scene.table.lock().unwrap().get(token).is_err());
    });
}
