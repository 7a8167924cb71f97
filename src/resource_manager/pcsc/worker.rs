//! The threads that make calls for which somebody may not want to wait to the end. They come when they are needed, and go
//! when they were not needed for a while.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::hresult::Result;
use crate::runtime::thread;

/// How long a thread stays that has nothing to do. A process whose main thread has ended by itself ends no sooner.
const IDLE: Duration = Duration::from_millis(50);

static WORKSHOP: Mutex<Workshop> = Mutex::new(Workshop { jobs: VecDeque::new(), idle: 0 });
static WORK: Condvar = Condvar::new();

pub struct Workshop {
    jobs: VecDeque<Box<dyn Job>>,
    /// How many threads wait for a job.
    idle: usize,
}

/// A closure in a box whose memory was there: a plain `Box` aborts the process without.
trait Job: Send {
    fn run(self: Box<Self>);
}

impl<F: FnOnce() + Send> Job for [F; 1] {
    fn run(self: Box<Self>) {
        let [work] = *self;
        work();
    }
}

/// Has `work` done on another thread.
pub fn employ<F: FnOnce() + Send + 'static>(work: F) -> Result<()> {
    let job = boxed(work)?;
    let mut workshop = lock();
    workshop.jobs.try_reserve(1)?;
    if workshop.idle <= workshop.jobs.len() {
        thread::spawn(be_employed)?;
    }
    workshop.jobs.push_back(job);
    drop(workshop);
    WORK.notify_one();
    Ok(())
}

fn boxed<F: FnOnce() + Send + 'static>(work: F) -> Result<Box<dyn Job>> {
    let mut cell = Vec::new();
    cell.try_reserve_exact(1)?;
    cell.push(work);
    let cell: Box<[F; 1]> = match cell.into_boxed_slice().try_into() {
        Ok(cell) => cell,
        // It has one element.
        Err(_) => return Err(crate::abi::hresult::Hresult::E_UNEXPECTED),
    };
    Ok(cell)
}

fn be_employed() {
    while let Some(job) = next_job() {
        job.run();
    }
}

/// Waits for a job; None when there is none for a while.
fn next_job() -> Option<Box<dyn Job>> {
    let mut workshop = lock();
    workshop.idle += 1;
    let (mut workshop, _) = WORK
        .wait_timeout_while(workshop, IDLE, |workshop| workshop.jobs.is_empty())
        .unwrap_or_else(PoisonError::into_inner);
    workshop.idle -= 1;
    workshop.jobs.pop_front()
}

/// The workshop, locked: also across a fork, so that no child inherits it in mid-change.
pub fn lock() -> MutexGuard<'static, Workshop> {
    WORKSHOP.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workshop {
    /// In the child of a fork: it has none of these threads, and their work is the parent's.
    #[cfg(unix)]
    pub fn forget_all(&mut self) {
        self.jobs.drain(..).for_each(std::mem::forget);
        self.idle = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn jobs_that_wait_for_each_other_are_done_at_once() {
        let (to_first, first) = channel();
        let (to_second, second) = channel();
        let (done, all) = channel();
        let also_done = done.clone();
        employ(move || {
            to_second.send(()).unwrap();
            first.recv().unwrap();
            done.send(()).unwrap();
        })
        .unwrap();
        employ(move || {
            second.recv().unwrap();
            to_first.send(()).unwrap();
            also_done.send(()).unwrap();
        })
        .unwrap();
        all.recv().unwrap();
        all.recv().unwrap();
    }
}
