//! Where work is spread over the cores: over samples where there are several, inside a tensor where there is one.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use crate::error::Result;

/// Uses so many threads for loops over samples and tensors from now on. The first call in a process decides.
pub fn set_threads(threads: usize) {
    // Fails where the threads run already, which is what the first call decided.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}

/// The least number of items that one task of a loop over parts of a tensor should hold. Inside a task of [`for_each`]
/// all of them: a loop that is split there would make its thread wait, and a waiting thread begins another sample.
pub(crate) fn grain() -> usize {
    if rayon::current_thread_index().is_some() { usize::MAX } else { 1 }
}

/// Does both, at the same time where no loop over samples keeps the cores busy.
pub(crate) fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if rayon::current_thread_index().is_some() { (a(), b()) } else { rayon::join(a, b) }
}

/// Does `work` for every item on all cores, and tells `done` of each result on this thread, in the order in which they
/// end. One item alone is worked on here, so that loops inside it may use the cores.
///
/// # Errors
/// The first that `work` or `done` returns; no item is begun after it.
pub(crate) fn for_each<I: Send, T: Send>(
    items: impl ExactSizeIterator<Item = I> + Send,
    work: impl Fn(I) -> Result<T> + Sync,
    mut done: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let workers = rayon::current_num_threads().min(items.len());
    if workers <= 1 {
        for item in items {
            done(work(item)?)?;
        }
        return Ok(());
    }
    let (items, is_over) = (Mutex::new(items), AtomicBool::new(false));
    let (results, ends) = mpsc::channel();
    let mut outcome = Ok(());
    rayon::in_place_scope(|scope| {
        for _ in 0..workers {
            let (items, is_over, work, results) = (&items, &is_over, &work, results.clone());
            scope.spawn(move |_| {
                while !is_over.load(Ordering::Relaxed) {
                    // The iterators that are given here hand out references and cannot be left half-way by a panic.
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(item) = next else { break };
                    let result = work(item);
                    if result.is_err() {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    // The receiver lives until every sender is gone.
                    let _ = results.send(result);
                }
            });
        }
        drop(results);
        for result in ends {
            let told = if outcome.is_ok() { result.and_then(&mut done) } else { Ok(()) };
            if let Err(error) = told {
                outcome = Err(error);
                is_over.store(true, Ordering::Relaxed);
            }
        }
    });
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::Error;

    #[test]
    fn every_item_is_worked_on_once_and_told() {
        let mut told = Vec::new();
        let tell = |n| {
            told.push(n);
            Ok(())
        };
        for_each(0..100, |i| Ok(2 * i), tell).unwrap();
        told.sort_unstable();
        assert_eq!(told, (0..100).map(|i| 2 * i).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_it() {
        let begun = AtomicUsize::new(0);
        let work = |i| {
            begun.fetch_add(1, Ordering::SeqCst);
            if i == 5 {
                return Err(Error::Cancelled);
            }
            // Else the other threads could be through before this one has told.
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(i)
        };
        let error = for_each(0..10_000, work, |_| Ok(())).unwrap_err();
        assert!(matches!(error, Error::Cancelled) && begun.load(Ordering::SeqCst) < 10_000);
        let refused = for_each(0..10_000, Ok, |_: usize| Err(Error::Cancelled));
        assert!(refused.is_err());
    }

    #[test]
    fn a_loop_inside_is_not_split() {
        assert_eq!(grain(), 1);
        let tell = |grain| {
            assert_eq!(grain, usize::MAX);
            Ok(())
        };
        for_each(0..8, |_| Ok(grain()), tell).unwrap();
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let panicked =
            std::panic::catch_unwind(|| for_each(0..8, |i| if i == 3 { panic!("three") } else { Ok(i) }, |_| Ok(())));
        assert!(panicked.is_err());
    }
}
