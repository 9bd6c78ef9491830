//! Works on many items at once and reports the results in the order of the items.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Calls `work` for every item, up to `jobs` at a time, and passes each result to `each` in the order of the items, as
/// soon as the item and all items before it are done.
///
/// # Errors
/// The first error of `each`. No item starts after it, and this function waits for those that run; they check
/// [`crate::host::interrupt`] themselves.
pub fn ordered<T: Sync, R: Send, E>(
    items: &[T],
    jobs: NonZeroUsize,
    work: impl Fn(&T) -> R + Sync,
    mut each: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.get().min(items.len()) {
            let (done, next, work) = (done.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((index, item)) = take(items, next) {
                    if done.send((index, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let ended = in_order(items, &results, &mut each);
        if ended.is_err() {
            next.store(items.len(), Ordering::SeqCst);
        }
        ended
    })
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::SeqCst);
    items.get(index).map(|item| (index, item))
}

/// Passes the results to `each` in the order of the items, until the last worker has ended.
fn in_order<T, R, E>(
    items: &[T],
    results: &mpsc::Receiver<(usize, R)>,
    each: &mut impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let mut early = BTreeMap::new();
    let mut due = 0;
    for (index, result) in results {
        early.insert(index, result);
        while let Some(result) = early.remove(&due) {
            each(&items[due], result)?;
            due += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::time::Duration;

    fn jobs(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn the_results_come_in_the_order_of_the_items_however_long_each_takes() {
        let mut results = Vec::new();
        let slow_first = |millis: &u64| {
            std::thread::sleep(Duration::from_millis(*millis));
            *millis
        };
        let each = |item: &u64, result| {
            results.push((*item, result));
            Ok::<(), ()>(())
        };
        ordered(&[60, 0, 30, 0], jobs(4), slow_first, each).unwrap();
        assert_eq!(results, [(60, 60), (0, 0), (30, 30), (0, 0)]);
    }

    #[test]
    fn as_many_items_as_jobs_run_at_once() {
        // Each item waits for the other: one at a time would never end.
        let both = Barrier::new(2);
        let mut count = 0;
        let each = |_: &i32, _| {
            count += 1;
            Ok::<(), ()>(())
        };
        ordered(&[1, 2], jobs(2), |_| both.wait().is_leader(), each).unwrap();
        assert_eq!(count, 2);
    }

    #[test]
    fn no_item_starts_after_an_error() {
        let started = AtomicUsize::new(0);
        let work = |item: &u32| {
            started.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            *item
        };
        let each = |_: &u32, result| if result == 2 { Err("two") } else { Ok(()) };
        assert_eq!(ordered(&(0..100).collect::<Vec<_>>(), jobs(2), work, each), Err("two"));
        assert!(started.load(Ordering::SeqCst) < 20, "{started:?}");
    }

    #[test]
    fn no_items_call_nothing() {
        let each = |_: &u32, (): ()| Err("no item has a result");
        assert_eq!(ordered(&[], jobs(3), |_| (), each), Ok(()));
    }
}
