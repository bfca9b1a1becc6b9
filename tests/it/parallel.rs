//! Work on many items at the same time.

use std::thread;

/// Does the work for each item, on a few threads. If it panics for one item, the test fails.
pub fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    const THREADS: usize = 6;
    // A requirement that is missing is recorded under the test's name, which is the thread's: see `requirements`.
    let test = thread::current().name().unwrap_or_default().to_owned();
    thread::scope(|scope| {
        for offset in 0..THREADS {
            let work = &work;
            let thread = thread::Builder::new().name(test.clone());
            thread
                .spawn_scoped(scope, move || items.iter().skip(offset).step_by(THREADS).for_each(work))
                .expect("a thread can be spawned");
        }
    });
}
