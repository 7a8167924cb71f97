//! Threads that make calls of PC/SC whose callers may give up before the call returns. A thread starts when it is
//! needed, and ends after it was idle for a while.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::hresult::Result;
use crate::runtime::fallible::try_box;
use crate::runtime::{log, thread};

/// How long an idle thread stays. It also delays the end of a process whose main thread ended by `pthread_exit`.
const IDLE: Duration = Duration::from_millis(50);

static WORKERS: Mutex<Workers> = Mutex::new(Workers { tasks: VecDeque::new(), idle: 0 });
static TASK_ADDED: Condvar = Condvar::new();

type Task = Box<dyn FnOnce() + Send>;

pub struct Workers {
    tasks: VecDeque<Task>,
    /// How many threads wait for a task.
    idle: usize,
}

/// Runs `work` on another thread.
pub fn execute<F: FnOnce() + Send + 'static>(work: F) -> Result<()> {
    add(try_box(work)?)
}

/// Not generic, so that the library has it once.
#[inline(never)]
fn add(task: Task) -> Result<()> {
    let mut workers = lock();
    workers.tasks.try_reserve(1)?;
    if workers.idle <= workers.tasks.len() {
        thread::spawn(run_tasks)?;
    }
    workers.tasks.push_back(task);
    drop(workers);
    TASK_ADDED.notify_one();
    Ok(())
}

fn run_tasks() {
    while let Some(task) = next_task() {
        task();
        log::deliver();
    }
}

/// Waits for a task; None when there was none for a while.
fn next_task() -> Option<Task> {
    let mut workers = lock();
    workers.idle += 1;
    let (mut workers, _) = TASK_ADDED
        .wait_timeout_while(workers, IDLE, |workers| workers.tasks.is_empty())
        .unwrap_or_else(PoisonError::into_inner);
    workers.idle -= 1;
    workers.tasks.pop_front()
}

/// The threads and their tasks, locked. A fork holds this lock, so that the child inherits a consistent state.
pub fn lock() -> MutexGuard<'static, Workers> {
    WORKERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workers {
    /// In the child of a fork: it has none of these threads, and the tasks are the parent's.
    #[cfg(unix)]
    pub fn forget_all(&mut self) {
        self.tasks.drain(..).for_each(std::mem::forget);
        self.idle = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn tasks_that_wait_for_each_other_run_at_the_same_time() {
        let (to_first, first) = channel();
        let (to_second, second) = channel();
        let (done, all) = channel();
        let also_done = done.clone();
        execute(move || {
            to_second.send(()).unwrap();
            first.recv().unwrap();
            done.send(()).unwrap();
        })
        .unwrap();
        execute(move || {
            second.recv().unwrap();
            to_first.send(()).unwrap();
            also_done.send(()).unwrap();
        })
        .unwrap();
        all.recv().unwrap();
        all.recv().unwrap();
    }
}
