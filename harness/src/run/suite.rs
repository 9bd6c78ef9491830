//! Many runs at once, told in the order in which they were asked for.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `work` on every item, up to `jobs` at a time, and hands what comes of it to `each` in the
/// order of the items: as soon as an item and all before it are done.
///
/// # Errors
/// The first error of `each`. No item is begun after it, and those under way are waited for; they look
/// at [`crate::host::interrupt`] themselves.
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
        let told = tell(items, &results, &mut each);
        if told.is_err() {
            next.store(items.len(), Ordering::SeqCst);
        }
        told
    })
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::SeqCst);
    items.get(index).map(|item| (index, item))
}

/// Ends when every worker has.
fn tell<T, R, E>(
    items: &[T],
    results: &mpsc::Receiver<(usize, R)>,
    each: &mut impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let mut early = BTreeMap::new();
    let mut turn = 0;
    for (index, result) in results {
        early.insert(index, result);
        while let Some(result) = early.remove(&turn) {
            each(&items[turn], result)?;
            turn += 1;
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
    fn results_come_in_the_order_of_the_items_however_long_each_takes() {
        let mut told = Vec::new();
        let slow_first = |millis: &u64| {
            std::thread::sleep(Duration::from_millis(*millis));
            *millis
        };
        let each = |item: &u64, result| {
            told.push((*item, result));
            Ok::<(), ()>(())
        };
        ordered(&[60, 0, 30, 0], jobs(4), slow_first, each).unwrap();
        assert_eq!(told, [(60, 60), (0, 0), (30, 30), (0, 0)]);
    }

    #[test]
    fn as_many_as_jobs_are_under_way_at_once() {
        // Each waits for the other: with one job at a time this would never end.
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
    fn an_error_ends_it_and_nothing_new_is_begun() {
        let begun = AtomicUsize::new(0);
        let work = |item: &u32| {
            begun.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            *item
        };
        let each = |_: &u32, result| if result == 2 { Err("two") } else { Ok(()) };
        assert_eq!(ordered(&(0..100).collect::<Vec<_>>(), jobs(2), work, each), Err("two"));
        assert!(begun.load(Ordering::SeqCst) < 20, "{begun:?}");
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        let each = |_: &u32, (): ()| Err("nobody calls this");
        assert_eq!(ordered(&[], jobs(3), |_| (), each), Ok(()));
    }
}
