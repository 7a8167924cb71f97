//! The objects that were created for attachments: files, codes, authentication. They end with their attachment, so the
//! table knows the objects of each attachment.

use super::table::HandleTable;
use super::token::{HandleKind, Token};
use crate::abi::hresult::Result;
use crate::runtime::fallible::Arc;

/// An object that was created for an attachment.
pub struct Created<T> {
    pub attachment: Token,
    pub object: T,
}

/// The objects of one kind. Each operation takes the same time, however many objects and attachments there are.
pub struct ObjectTable<T> {
    objects: HandleTable<Arc<Created<T>>>,
    /// By the slot of an attachment: the slot of its newest object.
    newest: Vec<Option<usize>>,
    /// By the slot of an object.
    neighbours: Vec<Neighbours>,
}

/// The list of the objects of one attachment, as one of them sees it: slots.
#[derive(Clone, Copy, Default)]
struct Neighbours {
    older: Option<usize>,
    newer: Option<usize>,
}

impl<T> ObjectTable<T> {
    pub const fn new(kind: HandleKind) -> Self {
        ObjectTable { objects: HandleTable::new(kind), newest: Vec::new(), neighbours: Vec::new() }
    }

    /// Gives `created` a token.
    pub fn insert(&mut self, created: Arc<Created<T>>) -> Result<Token> {
        let attachment = created.attachment.slot();
        extend_to(&mut self.newest, attachment)?;
        extend_to(&mut self.neighbours, self.objects.slot_count())?;
        let token = self.objects.insert(created)?;
        self.link(attachment, token.slot());
        Ok(token)
    }

    /// The object of a live token.
    pub fn get(&self, token: Token) -> Result<Arc<Created<T>>> {
        self.objects.get(token)
    }

    /// Takes an object out. From now on its token is dead.
    pub fn remove(&mut self, token: Token) -> Result<Arc<Created<T>>> {
        let created = self.objects.remove(token)?;
        self.unlink(created.attachment.slot(), token.slot());
        Ok(created)
    }

    /// Takes one object of an attachment out, if there is one. No other attachment has the slot of this one yet.
    pub fn remove_one_of(&mut self, attachment: Token) -> Option<Arc<Created<T>>> {
        let newest = self.newest.get(attachment.slot()).copied().flatten()?;
        let token = self.objects.token_in(newest)?;
        self.remove(token).ok()
    }

    /// Makes every token dead and drops no object: in the child of a fork the objects belong to the parent.
    pub fn forget_all(&mut self) {
        self.objects.forget_all();
        self.newest.clear();
    }

    fn link(&mut self, attachment: usize, object: usize) {
        let older = self.newest.get_mut(attachment).and_then(|newest| newest.replace(object));
        self.update(Some(object), |neighbours| *neighbours = Neighbours { older, newer: None });
        self.update(older, |neighbours| neighbours.newer = Some(object));
    }

    fn unlink(&mut self, attachment: usize, object: usize) {
        let Neighbours { older, newer } = self.neighbours.get(object).copied().unwrap_or_default();
        self.update(older, |neighbours| neighbours.newer = newer);
        self.update(newer, |neighbours| neighbours.older = older);
        match self.newest.get_mut(attachment) {
            Some(newest) if newer.is_none() => *newest = older,
            _ => {}
        }
    }

    fn update(&mut self, object: Option<usize>, change: impl FnOnce(&mut Neighbours)) {
        if let Some(neighbours) = object.and_then(|object| self.neighbours.get_mut(object)) {
            change(neighbours);
        }
    }
}

/// Gives `list` an item at `index`, and at every place before it.
fn extend_to<T: Clone + Default>(list: &mut Vec<T>, index: usize) -> Result<()> {
    if let Some(missing) = (index + 1).checked_sub(list.len()) {
        list.try_reserve(missing)?;
        list.resize(index + 1, T::default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::Hresult;

    struct Fixture {
        attachments: HandleTable<()>,
        files: ObjectTable<u32>,
    }

    impl Fixture {
        fn new() -> Fixture {
            Fixture { attachments: HandleTable::new(HandleKind::Attachment), files: ObjectTable::new(HandleKind::File) }
        }

        fn create(&mut self, attachment: Token, object: u32) -> Token {
            self.files.insert(Arc::try_new(Created { attachment, object }).unwrap()).unwrap()
        }

        /// The objects of an attachment, which end.
        fn end(&mut self, attachment: Token) -> Vec<u32> {
            let mut ended = Vec::new();
            while let Some(created) = self.files.remove_one_of(attachment) {
                assert_eq!(created.attachment, attachment);
                ended.push(created.object);
            }
            ended.sort();
            ended
        }
    }

    #[test]
    fn the_objects_of_an_attachment_end_and_no_others() {
        let mut fixture = Fixture::new();
        let [first, second, third] = [(); 3].map(|()| fixture.attachments.insert(()).unwrap());
        let tokens: Vec<_> = (0..30).map(|n| fixture.create([first, second, third][n as usize % 3], n)).collect();
        assert_eq!(fixture.end(second), (0..10).map(|n| 3 * n + 1).collect::<Vec<_>>());
        for (n, token) in tokens.iter().enumerate() {
            let expected = if n % 3 == 1 { Err(Hresult::E_HANDLE) } else { Ok(n as u32) };
            assert_eq!(fixture.files.get(*token).map(|created| created.object), expected);
        }
        assert!(fixture.end(second).is_empty());
        assert_eq!((fixture.end(first).len(), fixture.end(third).len()), (10, 10));
    }

    /// Every subset of five objects is removed, in two orders, and two new ones come: the others end with the
    /// attachment.
    #[test]
    fn an_object_that_was_removed_does_not_end_again() {
        for removed in 0..32u32 {
            for is_backwards in [false, true] {
                let mut fixture = Fixture::new();
                let (attachment, other) =
                    (fixture.attachments.insert(()).unwrap(), fixture.attachments.insert(()).unwrap());
                let tokens: Vec<_> = (0..5).map(|n| fixture.create(attachment, n)).collect();
                fixture.create(other, 77);
                let mut places: Vec<_> = (0..5).filter(|n| removed >> n & 1 == 1).collect();
                if is_backwards {
                    places.reverse();
                }
                for n in places {
                    assert_eq!(fixture.files.remove(tokens[n]).map(|created| created.object), Ok(n as u32));
                    assert!(fixture.files.remove(tokens[n]).is_err());
                }
                fixture.create(attachment, 5);
                fixture.create(attachment, 6);
                let left: Vec<_> = (0..7).filter(|n| removed >> n & 1 == 0).collect();
                assert_eq!(fixture.end(attachment), left);
                assert_eq!(fixture.end(other), [77]);
            }
        }
    }

    /// A static refers to the forgotten object, or LeakSanitizer would report it.
    static FORGOTTEN: std::sync::Mutex<Option<Arc<Created<u32>>>> = std::sync::Mutex::new(None);

    #[test]
    fn nothing_is_left_of_objects_that_were_forgotten() {
        let mut fixture = Fixture::new();
        let attachment = fixture.attachments.insert(()).unwrap();
        let token = fixture.create(attachment, 1);
        let created = fixture.files.get(token).unwrap();
        fixture.files.forget_all();
        assert!(fixture.files.get(token).is_err());
        assert!(!Arc::is_last(&created), "it is not dropped");
        assert!(fixture.end(attachment).is_empty());
        fixture.create(attachment, 2);
        assert_eq!(fixture.end(attachment), [2]);
        *FORGOTTEN.lock().unwrap() = Some(created);
    }
}
